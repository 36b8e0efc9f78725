import { describe, inject, it } from 'vitest';
import type { CaAccess } from '../../testkit/cas/leaf.ts';
import { fileBegins } from '../../testkit/local-aws/client.ts';
import type { EmulatorAccess } from '../../testkit/local-aws/ministack.ts';
import { type Tool, ToolMissingError } from '../../testkit/tools/tool.ts';
import type { Started } from './local-setup.ts';
import type { StackAccess } from './stack-setup.ts';

/** What the set-up of the run has started. Asking for what is missing throws; `describeWith` sees to it that nobody does. */
export interface Local {
  readonly emulator: EmulatorAccess;
  /** The run's step-ca. A test that takes the CA away, or wants other claims, starts one of its own (0.2 s). */
  readonly ca: CaAccess;
  /** What `npx cdk deploy` put out: only in test/e2e. */
  readonly outputs: Readonly<Record<string, string>>;
  /** What belongs to that deployment besides: only in test/e2e. */
  readonly stack: StackAccess;
}

const started = {
  emulator: () => inject('emulator'),
  'step-ca': () => inject('stepCa'),
  stack: () => inject('stack'),
} as const;

/**
 * A suite that needs the local AWS, step-ca, the deployed stack, or several of them:
 *   describeWith(['emulator', 'step-ca'], 'renew', ({ emulator, ca }) => { it(…) })
 * Where a tool is missing it fails in CI, and elsewhere is left out, which the end of `npm test` says aloud.
 */
export function describeWith(
  needed: readonly (keyof typeof started)[],
  name: string,
  body: (local: Local) => void,
): void {
  fileBegins();
  const local: Local = {
    get emulator() {
      return found(started.emulator());
    },
    get ca() {
      return found(started['step-ca']());
    },
    get outputs() {
      return found(started.stack()).outputs;
    },
    get stack() {
      return found(started.stack());
    },
  };
  describeFound(
    needed.map((tool) => started[tool]()),
    name,
    () => body(local),
  );
}

/** The same for any tools: `describeFound([await step()], …)`. */
export function describeFound(tools: readonly { readonly found: boolean }[], name: string, body: () => void): void {
  const missing = (tools as readonly Tool[]).find((tool) => !tool.found);
  if (!missing || missing.found) {
    describe(name, body);
    return;
  }
  describe(name, () => {
    if (process.env['CI'] === 'true') {
      it(`has its tools (${missing.tool})`, () => {
        throw new ToolMissingError(missing);
      });
    } else {
      // scripts/test.ts looks for this wording.
      it(`left out: ${missing.message} Fix: ${missing.fix}`, (context) => context.skip());
    }
  });
}

function found<T>(tool: Started<T>): T {
  if (!tool.found) throw new ToolMissingError(tool);
  return tool;
}
