import { join } from 'node:path';
import { installOnce, progress } from './cache.ts';
import { run } from './process.ts';
import type { Tool } from './tool.ts';

/** Pinned versions. `@latest` of step's module path is a release of 2022. */
const PROGRAMS = {
  'step-ca': { module: 'github.com/smallstep/certificates/cmd/step-ca', version: 'v0.30.2' },
  pebble: { module: 'github.com/letsencrypt/pebble/v2/cmd/pebble', version: 'v2.10.1' },
  step: { module: 'github.com/smallstep/cli/cmd/step', version: 'v0.30.6' },
  zlint: { module: 'github.com/zmap/zlint/v3/cmd/zlint', version: 'v3.7.3' },
} as const;

/** Omits what no test uses: debug information, and smallstep's adapters for Azure, TPMs and all databases except bbolt. */
const smaller = ['-ldflags=-s -w', '-tags=noazurekms,notpmkms,nobadger,nomysql,nopgx'];

/** Returns step-ca, the CA of the tests and the demo, or what is missing. Never throws. */
export const stepCa = (): Promise<Tool> => goTool('step-ca');

/** Returns Pebble, Let's Encrypt's small ACME server for tests. */
export const pebble = (): Promise<Tool> => goTool('pebble');

/** Returns smallstep's command line, for comparing with `step ca rekey`. */
export const step = (): Promise<Tool> => goTool('step');

/** Returns the linter for declared certificates. */
export const zlint = (): Promise<Tool> => goTool('zlint');

async function goTool(name: keyof typeof PROGRAMS): Promise<Tool> {
  const { module, version } = PROGRAMS[name];
  try {
    const folder = await installOnce(`${name}-${version}`, async (building) => {
      await run('go', ['version']); // without Go this fails before the build is announced
      progress(`building ${name} ${version} with Go, once (1 to 3 minutes)`);
      // Without cgo the build needs no C compiler and no smart-card library.
      const env = { ...process.env, CGO_ENABLED: '0', GOBIN: building };
      const { code, output } = await run('go', ['install', ...smaller, `${module}@${version}`], { env });
      if (code !== 0)
        throw new Error(
          `go install ${module}@${version} failed:\n${output.trimEnd().split('\n').slice(-15).join('\n')}`,
        );
    });
    return { found: true, path: join(folder, name) };
  } catch (error) {
    const noGo = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return {
      found: false,
      tool: noGo ? 'go' : name,
      message: noGo
        ? `${name} can't be built: Go is not installed.`
        : `${name} can't be built: ${error instanceof Error ? error.message : String(error)}`,
      fix: noGo
        ? 'install Go 1.25 or later (https://go.dev/dl/, or your system\'s package "golang") and put it on PATH'
        : 'read the message of Go above; the build needs access to the Go module proxy',
    };
  }
}
