/** The hooks `exec` and `signal`: run an SSM document on all instances with a tag. The deployment has fixed its command. */
import type { CommandRunner, TargetTag } from '../domain/hook.ts';
import { type Hook, renewedSecret } from './renewed-event.ts';
import { type ReportWorld, runHook } from './report.ts';

export interface CommandHook extends Hook<'exec' | 'signal'> {
  readonly documentName: string;
  readonly target: TargetTag;
}

export interface CommandWorld extends ReportWorld {
  readonly commands: CommandRunner;
}

/**
 * Starts the command. Events of SSM report a failure (report-failure.ts). Throws errors that are worth another try: Throttled,
 * AccessDenied, KmsDenied.
 */
export async function runCommand(world: CommandWorld, hook: CommandHook, event: unknown): Promise<void> {
  await runHook(world, hook, event, async () => {
    const parameters = renewedSecret(event, hook.profile);
    const commandId = await world.commands.send(hook.documentName, hook.target, parameters);
    world.journal.decision({
      secretArn: parameters.secretArn,
      reason: { code: 'Requested', message: `Run Command accepted the ${hook.type} hook.` },
      profile: hook.profile,
      commandId,
    });
  });
}
