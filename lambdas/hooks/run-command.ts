/** The hooks `exec` and `signal`: a document of SSM, whose command was fixed at deployment, on all instances with a tag. */
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
 * Starts the command; whether it worked is told by events of SSM (report-failure.ts). Throws what is worth another try:
 * Throttled, AccessDenied, KmsDenied.
 */
export async function runCommand(world: CommandWorld, hook: CommandHook, event: unknown): Promise<void> {
  await runHook(world, hook, event, async () => {
    const parameters = renewedSecret(event, hook.profile);
    const commandId = await world.commands.send(hook.documentName, hook.target, parameters);
    world.journal.decision({
      secretArn: parameters.secretArn,
      reason: { code: 'Requested', message: `Run Command took the ${hook.type} hook.` },
      profile: hook.profile,
      commandId,
    });
  });
}
