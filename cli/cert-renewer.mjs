#!/usr/bin/env node
// Starts the command line. The published package contains it as JavaScript, for Node 20 and later. A clone contains TypeScript, which
// Node 24.3 and later run without a warning. An older Node starts the Node of the project's devDependencies.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const main = new URL('main.ts', import.meta.url);
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (!existsSync(main)) {
  // The package contains its AWS SDK. The SDK's warning on Node 20 is about later versions of the SDK.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  await import(new URL('../dist/cli.js', import.meta.url).href);
} else if (process.features.typescript && (major > 24 || (major === 24 && minor >= 3))) {
  await import(main.href);
} else {
  const node = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));
  const child = spawn(node, [fileURLToPath(main), ...process.argv.slice(2)], { stdio: 'inherit' });
  process.on('SIGINT', () => {}); // the terminal sends it to the child too, which decides when to end
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('error', () => {
    process.stderr.write(
      `This clone of cert-renewer needs its own Node, but there is no ${node}: run npm ci in the clone.\n`,
    );
    process.exitCode = 3;
  });
  child.on('close', (code, signal) => {
    process.exitCode = signal ? 128 + constants.signals[signal] : (code ?? 1);
  });
}
