import { describe, inject, it } from 'vitest';
import type { CaAccess } from '../../testkit/cas/leaf.ts';
import { fileBegins } from '../../testkit/local-aws/client.ts';
import type { EmulatorAccess } from '../../testkit/local-aws/ministack.ts';
import { type Tool, ToolMissingError } from '../../testkit/tools/tool.ts';
import type { Started } from './local-setup.ts';
import type { StackAccess } from './stack-setup.ts';

/** What the set-up of the run has started. Access to a missing part throws; `describeWith` prevents such access. */
export interface Local {
  readonly emulator: EmulatorAccess;
  /** The run's step-ca. A test that stops the CA or needs other claims starts its own (0.2 s). */
  readonly ca: CaAccess;
  /** The outputs of `npx cdk deploy`: only in test/e2e. */
  readonly outputs: Readonly<Record<string, string>>;
  /** Other parts of that deployment: only in test/e2e. */
  readonly stack: StackAccess;
}

const started = {
  emulator: () => inject('emulator'),
  'step-ca': () => inject('stepCa'),
  stack: () => inject('stack'),
} as const;

/**
 * Defines a suite that needs the local AWS, step-ca, the deployed stack, or several of them:
 *   describeWith(['emulator', 'step-ca'], 'renew', ({ emulator, ca }) => { it(…) }) If a tool is missing, the suite fails in CI. Elsewhere it is left out, and the end of `npm test` reports that.
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

/** Does the same for any tools: `describeFound([await step()], …)`. */
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
