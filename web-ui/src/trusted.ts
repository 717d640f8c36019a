/** Where the page's policy demands Trusted Types, the one maker of addresses of scripts: only of the page's own files. */
interface Policy {
  createScriptURL(url: string): string;
}
interface Factory {
  createPolicy(name: string, rules: Policy): Policy;
}

const own: Policy = {
  createScriptURL(url) {
    const { origin, pathname } = new URL(url, location.href);
    if (origin !== location.origin || !pathname.startsWith('/assets/')) throw new TypeError(`no script of the page's: ${url}`);
    return url;
  },
};

const policy = (window as unknown as { trustedTypes?: Factory }).trustedTypes?.createPolicy('codex', own) ?? own;

/** A worker that runs a file of the page. */
export const worker = (url: string): Worker => new Worker(policy.createScriptURL(url), { type: 'module' });

/** Style elements that carry this are let through by the page's policy. */
export const styleNonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';
