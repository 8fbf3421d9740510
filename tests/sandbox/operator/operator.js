// The dashboard's own script: hands the widget its session, notes down what the widget tells, and lets an open inbox
// follow new messages. Not here: anything of the payment itself, which happens in the widget's frame.

const widget = document.querySelector('pay-on-bill');
if (widget) {
  if (widget.hasAttribute('data-logged-in')) {
    widget.session = async () => {
      const answer = await fetch('/session');
      return answer.status === 200 ? (await answer.json()).session : null;
    };
  }

  const events = document.getElementById('widget-events');
  for (const type of ['ready', 'step', 'success', 'error', 'exit']) {
    widget.addEventListener(type, ({ detail }) => {
      const item = document.createElement('li');
      const { result, ...rest } = detail || {};
      item.dataset.type = type;
      item.textContent = [type, ...Object.values(rest), ...(result ? ['(signed result)'] : [])].join(' ');
      events?.append(item);
    });
  }

  const reopen = document.getElementById('reopen');
  widget.addEventListener('exit', () => { if (reopen) reopen.hidden = false; });
  reopen?.addEventListener('click', () => {
    reopen.hidden = true;
    widget.replaceWith(widget);           // leaves and enters the page: the widget starts anew
    widget.hidden = false;
  });
}

const messages = document.getElementById('messages');
if (messages) {
  setInterval(async () => {
    const answer = await fetch(location.href, { headers: { accept: 'application/json' } }).catch(() => null);
    if (answer?.ok && (await answer.json()).length !== Number(messages.dataset.count)) location.reload();
  }, 2000);
}
