/** Declares several certificates one after another, and then waits for them. */
import type { ErrorCode } from '../domain/errors.ts';
import type { RenewalResult } from '../domain/result.ts';
import type { CertificateEntry } from '../policy/certificate-entry.ts';
import { type DeclaredSecret, declareCertificate, findDeclared, undeclareCertificate } from './declare.ts';
import type { PreviousDeclaration } from './previous-declaration.ts';
import { askForCertificate, type Look, lookAtOrder } from './renew-function.ts';
import { inTurn, type Task, type TaskEnd, type Terms, type Turn } from './turns.ts';
import type { DeclarationWorld } from './world.ts';

export interface DeclarationChange {
  readonly name: string;
  /** Undefined: the declaration is removed. */
  readonly entry: CertificateEntry | undefined;
  readonly before?: PreviousDeclaration | undefined;
  /** Whether the entry is unchanged. Then only a change of its profile can change the certificate. */
  readonly isSame?: boolean;
}

/**
 * `untouched`: nothing has changed. `there`: the certificate existed already, or another invocation has issued it. `started`: the
 * issuance was started and is not waited for. `undeclared`: there is no declaration now.
 */
export interface Applied {
  readonly outcome: 'untouched' | 'issued' | 'there' | 'paused' | 'started' | 'undeclared';
  /** Undefined for `undeclared`. */
  readonly secretArn?: string;
  readonly isChanged?: boolean;
  /** The renew function's answer, if it has issued the certificate. */
  readonly answer?: RenewalResult;
}

export interface ApplyTerms extends Terms {
  /** Whether the caller's role may be new, so that a denied call may be allowed soon. */
  readonly isNewRole: boolean;
}

/** Applies the changes. Returns how each ended, in the order of their ends. Never throws. */
export const applyChanges = (
  world: DeclarationWorld,
  changes: readonly DeclarationChange[],
  { isNewRole, ...terms }: ApplyTerms,
): Promise<readonly TaskEnd<Applied>[]> =>
  inTurn(
    world.clock,
    changes.map((change) => taskOf(world, change, isNewRole ? ownRole : noCodes)),
    terms,
  );

const noCodes: ReadonlySet<ErrorCode> = new Set();
/** IAM is eventually consistent: it may deny for some seconds what a deployment has just allowed. */
const ownRole: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['AccessDenied', 'KmsDenied']);
/** Codes that the renew function may return until it sees the new secret, tags and declaration. */
const notSeenYet = ['SecretNotFound', 'SecretNotEnrolled', 'UnknownProfile', 'NotDeclared'] as const;

function taskOf(
  world: DeclarationWorld,
  { name, entry, before, isSame = false }: DeclarationChange,
  settles: ReadonlySet<ErrorCode>,
): Task<Applied> {
  if (entry === undefined) return { name, settles, turn: () => undeclare(world, name) };
  const turn = async (): Promise<Turn<Applied>> => {
    const secretArn = isSame ? await findDeclared(world, name, entry) : undefined;
    if (secretArn !== undefined) return { ...done({ outcome: 'untouched', secretArn }), unpaced: true };
    const declared = await declareCertificate(world, name, entry, before);
    if (declared.isIssued) return done({ outcome: 'there', ...toldOf(declared) });
    if (entry.paused) return done({ outcome: 'paused', ...toldOf(declared) });
    const task: Task<Applied> =
      entry.wait === false
        ? { name, settles, turn: () => startIssuance(world, declared) }
        : { name, settles: new Set([...settles, ...notSeenYet]), turn: awaiting(world, declared) };
    return { kind: 'next', task };
  };
  return { name, settles, turn };
}

const done = (result: Applied) => ({ kind: 'done', result }) as const;

const toldOf = ({ secretArn, isChanged }: DeclaredSecret) => ({ secretArn, isChanged });

async function undeclare(world: DeclarationWorld, name: string): Promise<Turn<Applied>> {
  return done({ outcome: 'undeclared', isChanged: await undeclareCertificate(world, name) });
}

async function startIssuance({ renewal }: DeclarationWorld, declared: DeclaredSecret): Promise<Turn<Applied>> {
  await renewal.start({ secretId: declared.secretArn });
  return done({ outcome: 'started', ...toldOf(declared) });
}

/** Returns the turn that asks for the certificate, and after a pending answer not during a long pause of the CA. */
function awaiting(world: DeclarationWorld, declared: DeclaredSecret): () => Promise<Turn<Applied>> {
  let pending: Extract<Look, { kind: 'later' }> | undefined;
  return async () => {
    const order = pending === undefined ? 'due' : await lookAtOrder(world, declared);
    if (order === 'issued') return done({ outcome: 'there', ...toldOf(declared) });
    if (order === 'waiting' && pending !== undefined) return pending;
    const look = await askForCertificate(world, declared);
    pending = look.kind === 'later' && look.isQuiet ? look : undefined;
    if (look.kind === 'later') return look;
    if (look.kind === 'paused') return done({ outcome: 'paused', ...toldOf(declared) });
    const { answer } = look;
    return done({ outcome: answer ? 'issued' : 'there', ...toldOf(declared), ...(answer && { answer }) });
  };
}
