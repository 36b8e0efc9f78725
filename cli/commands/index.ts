/** All commands, in the order of the help. */
import type { CommandSpec } from '../command.ts';
import { completionOf } from './completion.ts';
import { deadLetters } from './dead-letters.ts';
import { declare } from './declare.ts';
import { bootstrap, deploy, destroy, diff } from './deploy.ts';
import { doctor } from './doctor.ts';
import { enrol, unenrol } from './enrol.ts';
import { exportPair } from './export.ts';
import { importPair } from './import.ts';
import { init } from './init.ts';
import { pause, resume } from './pause.ts';
import { plan } from './plan.ts';
import { probe } from './probe.ts';
import { redrive } from './redrive.ts';
import { renew } from './renew.ts';
import { report } from './report.ts';
import { rollback } from './rollback.ts';
import { scan } from './scan.ts';
import { status } from './status.ts';
import { undeclare } from './undeclare.ts';
import { completeWords } from './words.ts';

export const commands: readonly CommandSpec[] = [
  ...[init, bootstrap, deploy, diff],
  ...[status, report, plan, renew, rollback, probe, pause, resume],
  ...[enrol, unenrol, importPair, exportPair, declare, undeclare],
  ...[doctor, scan, deadLetters, redrive, destroy],
  completionOf(() => commands.filter(({ hidden }) => !hidden)),
  completeWords,
];
