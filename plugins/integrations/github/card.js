// One card for the three blocks: an address says which.
codex.start(async (view) => {
  const { h } = codex;
  const url = String(view.values.url ?? view.body).trim();
  const parts = /^https:\/\/github\.com\/([^/\s]+)\/([^/\s]+?)(?:\.git)?(?:\/(issues|pull)\/(\d+))?\/?$/.exec(url);
  const show = (/** @type {Child[]} */ ...children) => {
    view.root.replaceChildren(h('article', { class: 'card' }, ...children));
    view.fit();
  };
  if (!parts) return show(h('p', {}, `“${url}” is no address of an issue, a pull request or a repository of GitHub.`));
  const [, owner = '', repo = '', kind, number] = parts;
  show(h('p', { class: 'quiet' }, `${owner}/${repo}${number ? ` #${number}` : ''} …`));
  const count = (/** @type {number} */ n) => new Intl.NumberFormat(view.locale).format(n);
  try {
    const endpoint = kind === 'issues' ? 'get_issue' : kind === 'pull' ? 'get_pr' : 'get_repo';
    const { data, as_of, stale } = await view.call(endpoint, { owner, repo, ...(number ? { number: Number(number) } : {}) });
    const day = new Intl.DateTimeFormat(view.locale, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(as_of));
    const foot = h('footer', { class: stale ? 'stale' : 'quiet' }, stale ? `GitHub does not answer now; as of ${day}` : `as of ${day}`);
    if (!number) {
      return show(
        h('h3', {}, data.full_name),
        h('p', {}, data.description ?? ''),
        h('p', { class: 'facts' }, [data.language, `${count(data.stargazers_count)} stars`, `${count(data.open_issues_count)} open`].filter(Boolean).join(' · ')),
        foot,
      );
    }
    const state = data.merged_at ? 'merged' : data.draft ? 'draft' : data.state;
    return show(
      h('h3', {}, h('span', { class: `state ${state}` }, state), ' ', data.title, h('span', { class: 'quiet' }, ` #${number}`)),
      h('p', { class: 'facts' }, [
        `${owner}/${repo}`,
        data.user?.login && `by ${data.user.login}`,
        kind === 'pull' && `${data.head?.ref} → ${data.base?.ref}`,
        data.comments > 0 && `${count(data.comments)} comments`,
      ].filter(Boolean).join(' · ')),
      (data.labels ?? []).length > 0 && h('p', { class: 'labels' }, ...data.labels.map((/** @type {{name: string}} */ label) => h('span', { class: 'label' }, label.name))),
      foot,
    );
  } catch (error) {
    show(h('h3', {}, `${owner}/${repo}${number ? ` #${number}` : ''}`), h('p', { class: 'quiet' }, /** @type {{message: string}} */ (error).message));
  }
});
