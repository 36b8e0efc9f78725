/** Several certificates: declared one after another, and then waited for. */
import type { ErrorCode } from '../domain/errors.ts';
import type { RenewalResult } from '../domain/result.ts';
import type { CertificateEntry } from '../policy/certificate-entry.ts';
import { type DeclaredSecret, declareCertificate, findDeclared, undeclareCertificate } from './declare.ts';
import type { PreviousDeclaration } from './previous-declaration.ts';
import { askForCertificate } from './renew-function.ts';
import { inTurn, type Task, type TaskEnd, type Terms, type Turn } from './turns.ts';
import type { DeclarationWorld } from './world.ts';

export interface DeclarationChange {
  readonly name: string;
  /** Undefined: nothing is declared any more. */
  readonly entry: CertificateEntry | undefined;
  readonly before?: PreviousDeclaration | undefined;
  /** The declaration before was the same, so that only another profile can have changed the certificate. */
  readonly isSame?: boolean;
}

/**
 * `untouched`: nothing was to be done. `there`: the certificate was there already, or somebody else has issued it. `started`: it is
 * issued without anybody waiting for it. `undeclared`: so it is now, or was before.
 */
export interface Applied {
  readonly outcome: 'untouched' | 'issued' | 'there' | 'paused' | 'started' | 'undeclared';
  /** Undefined of what is undeclared. */
  readonly secretArn?: string;
  readonly isChanged?: boolean;
  /** Of the renew function, where it has issued the certificate. */
  readonly answer?: RenewalResult;
}

export interface ApplyTerms extends Terms {
  /** The caller's role is as new as the deployment: what it is refused may be allowed soon. */
  readonly isNewRole: boolean;
}

/** The order of the ends is that in which they came. Never throws. */
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
/** IAM is eventually consistent: what a deployment has just allowed is refused for some seconds. */
const ownRole: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['AccessDenied', 'KmsDenied']);
/** The renew function does not see at once what was written a moment ago. */
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
        : { name, settles: new Set([...settles, ...notSeenYet]), turn: () => awaitCertificate(world, declared) };
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

async function awaitCertificate(world: DeclarationWorld, declared: DeclaredSecret): Promise<Turn<Applied>> {
  const look = await askForCertificate(world, declared);
  if (look.kind === 'later') return look;
  if (look.kind === 'paused') return done({ outcome: 'paused', ...toldOf(declared) });
  const { answer } = look;
  return done({ outcome: answer ? 'issued' : 'there', ...toldOf(declared), ...(answer && { answer }) });
}
