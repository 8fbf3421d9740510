// Finds the commands in texts, as a reader would type them.

const SHELL_FENCE = /^ *```(?:sh|bash)\n([\s\S]*?)^ *```$/gm;
const FENCE = /^ *```[\s\S]*?^ *```$/gm;
const SPAN = /`([^`]+)`/g;
const PROGRAMS = [['npx', 'wrangler'], ['npm', 'run'], ['cargo', 'xtask']];

/** Splits shell text into commands of words: quotes, comments, continued lines and pipes are understood, nothing else. */
export function splitShell(text) {
  const commands = [[]];
  let word = null;
  const endWord = () => { if (word !== null) commands.at(-1).push(word); word = null; };
  const endCommand = () => { endWord(); commands.push([]); };
  for (let at = 0; at < text.length; at += 1) {
    const symbol = text[at];
    if (symbol === '#' && word === null) {
      const end = text.indexOf('\n', at);
      at = (end < 0 ? text.length : end) - 1;
    } else if (symbol === "'" || symbol === '"') {
      const end = text.indexOf(symbol, at + 1);
      if (end < 0) throw new Error(`a quotation does not end: ${text.slice(at)}`);
      word = (word ?? '') + text.slice(at + 1, end);
      at = end;
    } else if (symbol === '\\' && text[at + 1] === '\n') {
      at += 1;
    } else if (';|&\n'.includes(symbol)) {
      endCommand();
    } else if (symbol === ' ') {
      endWord();
    } else {
      word = (word ?? '') + symbol;
    }
  }
  endCommand();
  return commands.filter(words => words.length > 0);
}

/** Drops variables before a command and redirections after it. */
function dropSurroundings(words) {
  const first = words.findIndex(word => !/^[A-Z_]+=/.test(word));
  const redirected = words.findIndex(word => /^[<>]/.test(word));
  return words.slice(first, redirected < 0 ? undefined : redirected);
}

/** The commands of this project's programs in a page of Markdown or in comments: `[program, ...words]`. */
export function findCommands(text) {
  const fenced = [...text.matchAll(SHELL_FENCE)].map(([, block]) => block);
  const rest = text.replace(FENCE, '');
  const spans = [...rest.matchAll(SPAN)].map(([, span]) => span.replace(/\n#?\s*/g, ' '))
    .filter(span => PROGRAMS.some(program => span.startsWith(`${program.join(' ')} `)));
  const commands = [...fenced, ...spans].flatMap(splitShell).map(dropSurroundings);
  return commands.flatMap(words => {
    const program = PROGRAMS.find(names => names.every((name, at) => words[at] === name));
    return program ? [[program[1] === 'run' ? 'npm' : program[1], ...words.slice(2)]] : [];
  });
}
