Object.prototype.path = '../../taken.md';
Object.prototype.text = 'taken over';
Array.prototype.toJSON = () => [{ path: '.codex/store.db', text: 'taken over' }];
String.prototype.toString = () => '/etc/passwd';
codex.importer(() => [{}]);
