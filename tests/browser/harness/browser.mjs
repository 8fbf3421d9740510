// The one browser of a run: where it comes from and how it is started.

import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import packed from '@sparticuz/chromium';

// The first is for running as root; the rest keeps it from calling its maker, which a closed network refuses.
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

export async function launch() {
  return chromium.launch({ executablePath: process.env.CHROME_BIN || await unpacked(), args: FLAGS });
}

/** The Chromium of the npm package, unpacked once: beside the build's other tools, named by its version. */
async function unpacked() {
  const { version } = createRequire(import.meta.url)('../../../node_modules/@sparticuz/chromium/package.json');
  const dir = path.resolve('target/tools/chromium', version);
  const program = path.join(dir, 'chromium');
  if (fs.existsSync(program)) return program;

  // The package unpacks into the folder for temporary files, and takes whatever is there for complete.
  const partial = `${dir}.${process.pid}.partial`;
  const usual = process.env.TMPDIR;
  fs.mkdirSync(partial, { recursive: true });
  process.env.TMPDIR = partial;
  try {
    await packed.executablePath();
  } finally {
    if (usual === undefined) delete process.env.TMPDIR; else process.env.TMPDIR = usual;
  }
  fs.renameSync(partial, dir);
  return program;
}
