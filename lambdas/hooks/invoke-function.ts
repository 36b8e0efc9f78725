/**
 * The hook `lambda`: invokes the user's function with the event and waits for it. As a direct target of EventBridge, its failure
 * would be visible only to the function's owner.
 */
import { RenewalError } from '../domain/errors.ts';
import type { FunctionCaller } from '../domain/hook.ts';
import { type Hook, renewedSecret } from './renewed-event.ts';
import { type ReportWorld, runHook } from './report.ts';

export interface FunctionHook extends Hook<'lambda'> {
  readonly functionArn: string;
}

export interface FunctionWorld extends ReportWorld {
  readonly functions: FunctionCaller;
}

/**
 * Invokes the function with the whole event. Throws errors that are worth another try: Throttled, AccessDenied, KmsDenied, and
 * HookFunctionError for a failed function, which an asynchronous invocation would repeat too.
 */
export async function invokeFunction(world: FunctionWorld, hook: FunctionHook, event: unknown): Promise<void> {
  await runHook(world, hook, event, async () => {
    const { secretArn } = renewedSecret(event, hook.profile);
    const { failed } = await world.functions.call(hook.functionArn, event);
    if (failed) throw new HookFunctionError(hook.functionArn);
    const message = `The function ${hook.functionArn} accepted the event.`;
    world.journal.decision({ secretArn, reason: { code: 'Requested', message }, profile: hook.profile });
  });
}

/** A function's failure. Its error is not quoted, because it may contain anything. It is in the function's own log. */
class HookFunctionError extends RenewalError {
  constructor(functionArn: string) {
    super('Internal', `The function ${functionArn} failed: see its log. It is invoked three times in all.`, {
      retryable: true,
    });
  }
}
