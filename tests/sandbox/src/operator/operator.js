// The dashboard's own script: hands the widget its session, notes down what the widget tells, and lets an open inbox
// follow new messages and coupons how they stand. Not here: anything of the payment itself, which happens in the widget's
// frame.

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

const coupons = document.getElementById('coupons');
if (coupons) {
  setInterval(async () => {
    const answer = await fetch(location.href).catch(() => null);
    if (!answer?.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
    for (const card of coupons.children) {
      const now = fresh.getElementById(card.id);
      // Not under somebody's hands: it follows when they have gone on.
      if (!now || now.dataset.state === card.dataset.state || card.querySelector(':focus')) continue;
      card.dataset.state = now.dataset.state;
      if (!now.querySelector('.notice')) card.querySelector('.notice')?.remove();
      for (const part of ['.chip', '.facts', '.ways']) card.querySelector(part).replaceWith(now.querySelector(part));
      // Said last, into the element that screen readers listen to.
      card.querySelector('[role=status]').textContent = now.querySelector('[role=status]').textContent;
    }
  }, 2000);
}
