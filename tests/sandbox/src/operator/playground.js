// The playground's own script: hands the widget the prepared customer's session, and sets its look while it is typed.
// What the widget tells is noted down by the dashboard's script.

const widget = document.querySelector('pay-on-bill');
const looks = document.getElementById('looks');
const sheet = document.getElementById('looks-sheet');
const controls = document.getElementById('playground');

widget.session = async () => {
  const answer = await fetch(widget.dataset.session);
  return answer.status === 200 ? (await answer.json()).session : null;
};

// A choice shows at once. The width is the page's, and no reason to load it again.
controls.addEventListener('change', ({ target }) => {
  if (target.id === 'width') document.getElementById('stage').style.maxWidth = target.value ? `${target.value}px` : '';
  else controls.requestSubmit();
});

function dress() {
  const set = [...new FormData(looks)].map(([name, value]) => [`--onbill-${name}`, value.trim()]);
  for (const [name, value] of set) {
    if (value) widget.style.setProperty(name, value); else widget.style.removeProperty(name);
  }
  const lines = set.filter(([, value]) => value).map(([name, value]) => `  ${name}: ${value};`);
  sheet.textContent = lines.length > 0 ? ['pay-on-bill {', ...lines, '}'].join('\n') : '';
}

looks.addEventListener('input', dress);
looks.addEventListener('submit', event => event.preventDefault());
looks.addEventListener('reset', () => setTimeout(dress));
document.getElementById('looks-example').addEventListener('click', () => {
  for (const field of looks.querySelectorAll('input')) field.value = field.placeholder;
  dress();
});
