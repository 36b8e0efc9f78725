/**
 * The hook `lambda`: a function of the user's, called with the event and waited for. EventBridge would only hand the event
 * over, and what became of it nobody but the function's owner could see.
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
 * Calls the function with the whole event. Throws what is worth another try: Throttled, AccessDenied, KmsDenied, and
 * HookFunctionError for a function that failed, which Lambda's queue would have tried again as well.
 */
export async function invokeFunction(world: FunctionWorld, hook: FunctionHook, event: unknown): Promise<void> {
  await runHook(world, hook, event, async () => {
    const { secretArn } = renewedSecret(event, hook.profile);
    const { failed } = await world.functions.call(hook.functionArn, event);
    if (failed) throw new HookFunctionError(hook.functionArn);
    const message = `The function ${hook.functionArn} took the event.`;
    world.journal.decision({ secretArn, reason: { code: 'Requested', message }, profile: hook.profile });
  });
}

/** What a function says of its failure may hold anything: it stays in the function's own log. */
class HookFunctionError extends RenewalError {
  constructor(functionArn: string) {
    super('Internal', `The function ${functionArn} failed: see its log. It is tried three times.`, { retryable: true });
  }
}
