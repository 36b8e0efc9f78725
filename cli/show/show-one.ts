/** `status <name>`: one certificate, whole. */
import type { Context } from '../command.ts';
import type { Exit } from '../exit.ts';
import { targetWords } from '../hints.ts';
import { findCertificate } from '../inventory.ts';
import { printable } from '../terminal.ts';
import { entriesOf } from './entries.ts';
import { factsOf } from './facts.ts';
import { layOut } from './layout.ts';
import { causeIn, hasProblem, nextIn } from './outlook.ts';
import { fullRecord } from './record.ts';

/**
 * Prints everything about one certificate. `attention` for a problem, and for a secret that is not there or not enrolled. Throws
 * AccessDenied, Throttled, and Internal if there is no stack.
 */
export async function showOne({ session, terminal }: Context, name: string): Promise<Exit> {
  terminal.progress('Looking for the secret …');
  const found = await findCertificate(session, terminal, name);
  if ('error' in found) {
    const { error } = found;
    if (terminal.json) terminal.record({ name, error });
    else terminal.note(printable(`${name}: ${error.errorType}: ${error.message}`));
    return 'attention';
  }
  terminal.progress('Asking the renew function …');
  const facts = await factsOf(session, found);
  terminal.progress('');
  const [cause, next] = [causeIn(facts), nextIn(facts, targetWords(session.target))];
  if (terminal.json) terminal.record(fullRecord(facts, cause, next));
  else {
    const lines = layOut(entriesOf(facts, cause, next), terminal.width, (style, text) => terminal.paint(style, text));
    terminal.print(lines.join('\n'));
  }
  return hasProblem(facts) ? 'attention' : 'ok';
}
