// Every command of wrangler, npm and xtask that a page names is one that the program takes, with each of its flags.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { findCommands, splitShell } from './harness/commands.mjs';
import { bundle, root, wrangler, xtask } from './harness/given.mjs';

const { registry, globalFlags } = wrangler.experimental_getWranglerCommands();
const usage = execFileSync(xtask, ['help'], { encoding: 'utf8' });

function readScripts(folder) {
  return JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8')).scripts;
}

/** The flags that wrangler takes: name or alias, and what it says of it. */
function flagsOf(args) {
  return new Map(Object.entries({ ...globalFlags, ...args }).flatMap(([name, flag]) =>
    [name, flag.alias ?? []].flat().map(known => [known, flag])));
}

/** What wrangler would complain of; `undefined` when it takes the words. */
function complaintOfWrangler(words) {
  let node = registry;
  let depth = 0;
  while (node.subtree.has(words[depth])) {
    node = node.subtree.get(words[depth]);
    depth += 1;
  }
  if (!node.definition?.handler) return 'no such command';
  const { args, positionalArgs = [] } = node.definition;
  const flags = flagsOf(args);
  let positionals = 0;
  for (let at = depth; at < words.length; at += 1) {
    const [, name, value] = /^--?([a-z][a-z-]*)(=.*)?$/.exec(words[at]) ?? [];
    if (!name) {
      positionals += 1;
      continue;
    }
    const flag = flags.get(name);
    if (!flag) return `no flag --${name}`;
    if (flag.type === 'boolean') continue;
    const given = value === undefined ? words[at += 1] : value.slice(1);
    if (given === undefined) return `--${name} has no value`;
    if (flag.choices && !flag.choices.includes(given)) return `--${name} does not take ${given}`;
  }
  const takesMore = positionalArgs.some(name => args[name].array);
  return positionals > positionalArgs.length && !takesMore ? 'too many words' : undefined;
}

/** A verb's own lines of the usage, and all of it for a verb of several entries. */
function complaintOfXtask([verb, ...words]) {
  // It prints the usage, which does not list it.
  if (verb === 'help' && words.length === 0) return undefined;
  const entries = usage.split(/\n(?= {2}\S)/).filter(entry => entry.trim().split(/\s/)[0] === verb);
  if (entries.length === 0) return 'no such verb';
  const own = words.includes('--') ? words.slice(0, words.indexOf('--')) : words;
  const unknown = own.find(word => /^--?[a-z]/.test(word) && !entries.some(entry => entry.includes(word)));
  return unknown && `no flag ${unknown}`;
}

function complaintOf([program, ...words], scripts) {
  switch (program) {
    case 'wrangler': return complaintOfWrangler(words);
    case 'xtask': return complaintOfXtask(words);
    default: {
      const [script, separator, ...more] = words.filter(word => word !== '--silent');
      if (!(script in scripts)) return 'no such script';
      if (separator === undefined) return undefined;
      // What follows goes to the script's own command.
      return separator === '--' ? complaintOfWrangler([...splitShell(scripts[script]).at(-1).slice(1), ...more]) : 'no -- before the words';
    }
  }
}

function listPages(folder) {
  return fs.readdirSync(path.join(root, folder), { recursive: true })
    .filter(name => name.endsWith('.md')).map(name => path.join(folder, name));
}

test('commands of all pages exist', () => {
  const pages = ['README.md', 'ARCHITECTURE.md', 'wrangler.toml', ...listPages('docs')].map(name => [path.join(root, name), root]);
  pages.push([path.join(bundle, 'README.md'), bundle]);
  let found = 0;
  const complaints = pages.flatMap(([page, folder]) => findCommands(fs.readFileSync(page, 'utf8')).flatMap(command => {
    found += 1;
    const complaint = complaintOf(command, readScripts(folder));
    return complaint ? [`${path.relative(root, page)}: ${command.join(' ')}: ${complaint}`] : [];
  }));
  assert.deepEqual(complaints, []);
  assert.ok(found > 50, `${found} commands were found`);
});

test('npm scripts are commands of wrangler', () => {
  for (const [name, script] of Object.entries(readScripts(bundle))) {
    for (const [program, ...words] of splitShell(script)) {
      assert.equal(program, 'wrangler', name);
      assert.equal(complaintOfWrangler(words), undefined, name);
    }
  }
});

test('commands that do not exist are found out', () => {
  const scripts = { logs: 'wrangler tail' };
  for (const [line, complaint] of [
    ['npx wrangler publish', 'no such command'],
    ['npx wrangler versions', 'no such command'],
    ['npx wrangler versions deploy a@10% b@90% --yess', 'no flag --yess'],
    ['npx wrangler rollback a b', 'too many words'],
    ['npx wrangler tail --format xml', '--format does not take xml'],
    ['npx wrangler secret put KEY --name', '--name has no value'],
    ['npm run publish', 'no such script'],
    ['npm run logs -- --colour', 'no flag --colour'],
    ['cargo xtask deploy', 'no such verb'],
    ['cargo xtask edge --fast', 'no flag --fast'],
  ]) {
    const [command] = findCommands(`\`\`\`sh\nA=b ${line} < file   # why\n\`\`\`\n`);
    assert.equal(complaintOf(command, scripts), complaint, line);
  }
});
