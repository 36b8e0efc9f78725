#!/usr/bin/env node
// `npx cert-renewer`: on a Node that runs TypeScript as it is and without a warning (npx finds the project's own first),
// else by way of that one.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const main = new URL('main.ts', import.meta.url);
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (process.features.typescript && (major > 24 || (major === 24 && minor >= 3))) {
  await import(main.href);
} else {
  const node = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));
  const child = spawn(node, [fileURLToPath(main), ...process.argv.slice(2)], { stdio: 'inherit' });
  process.on('SIGINT', () => {}); // from the keyboard it reaches the child as well, and its end is ours
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('error', () => {
    process.stderr.write(`cert-renewer needs its own Node, and ${node} is not there: run npm ci in its folder.\n`);
    process.exitCode = 3;
  });
  child.on('close', (code, signal) => {
    process.exitCode = signal ? 128 + constants.signals[signal] : (code ?? 1);
  });
}
