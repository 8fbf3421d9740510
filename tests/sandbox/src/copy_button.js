// The buttons that copy a ready-made call for a terminal. The style sheet shows them once this script can serve them.

const SECONDS = 2;

if (navigator.clipboard) {
  document.documentElement.classList.add('copies');
  document.addEventListener('click', async ({ target }) => {
    const button = target.closest('button[data-copy]');
    if (!button) return;
    const said = button.firstElementChild;
    button.dataset.label ??= said.textContent;
    const copied = await navigator.clipboard.writeText(button.dataset.copy).then(() => true, () => false);
    said.textContent = copied ? 'Copied' : 'Not copied: the browser forbids it';
    setTimeout(() => { said.textContent = button.dataset.label; }, SECONDS * 1000);
  });
}
