/** Which day it is here: what shows days follows it over midnight. */
import { dayOf, untilMidnight } from './days';

class Today {
  day = $state(dayOf(new Date()));

  constructor() {
    this.#wait();
    // A laptop that slept over midnight counts no hours.
    document.addEventListener('visibilitychange', () => this.#look());
    window.addEventListener('focus', () => this.#look());
  }

  #look(): void {
    const day = dayOf(new Date());
    if (day !== this.day) this.day = day;
  }

  #wait(): void {
    setTimeout(() => {
      this.#look();
      this.#wait();
    }, untilMidnight(new Date()) + 50);
  }
}

export const today = new Today();
