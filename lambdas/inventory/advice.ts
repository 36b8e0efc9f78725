/** What a code means for a certificate, and what to do: for `status`, `doctor`, the page and the widget. */
import type { ReasonCode } from '../domain/decision.ts';
import { docs } from '../domain/docs.ts';
import type { ErrorCode } from '../domain/errors.ts';

export interface Advice {
  /** One clause, without a full stop. */
  readonly means: string;
  /** One sentence or more. */
  readonly fix: string;
  /** The page of the documents. */
  readonly link: string;
}

const errors = docs('errors.md', 'errors');

/** The code of a cause. `NotServed`: nothing is wrong but that an endpoint serves another certificate. */
export type CauseCode = ReasonCode | 'NotServed';

type Piece = Omit<Advice, 'link'> & { readonly link?: string };

const pieces: Record<ErrorCode, Piece> & Partial<Record<CauseCode, Piece>> = {
  InvalidRequest: {
    means: 'its CA cannot do what is asked, or a field of its declaration is wrong',
    fix: 'Correct the field that the message names.',
  },
  InvalidTag: {
    means: 'a tag has a value that is not valid',
    fix: 'Correct or remove the tag that the message names.',
    link: docs('tags.md'),
  },
  SecretNotFound: { means: 'the secret is being deleted', fix: 'Restore it, or leave it.' },
  SecretNotEnrolled: {
    means: 'the secret has no tag cert-renewer:profile',
    fix: 'Enrol the secret, or let its declaration take it over.',
    link: docs('declared.md', 'the-secret'),
  },
  UnsupportedSecret: {
    means: 'the value has no supported shape, or the secret has too many tags',
    fix: 'Bring the value into one of the shapes, or remove tags. The message says what was found.',
    link: docs('secrets.md'),
  },
  InvalidCertificate: {
    means: 'a certificate in the secret is cut or damaged',
    fix: 'Put the certificate into the secret again, or roll back to the version before.',
  },
  KeyMismatch: {
    means: 'the private key in the secret does not match the certificate',
    fix: 'Store a certificate and its own key in the secret, or roll back to the version before.',
  },
  WeakKey: { means: 'a key is too weak, or was used before', fix: 'Give another, stronger key.' },
  PasswordRequired: {
    means: 'the key is encrypted, and the password is missing or wrong',
    fix: 'Set passwordSecretId in the profile, or correct the password in that secret.',
  },
  UnknownProfile: {
    means: 'this stack has no profile of this name',
    fix: 'Enrol it in a profile of this stack, or deploy the profile. If another stack has it, leave it.',
  },
  CertificateExpired: {
    means: 'the certificate has expired, and its CA does not renew expired ones',
    fix: 'Allow it at the CA (allowRenewalAfterExpiry in step-ca), or put in a new certificate.',
    link: docs('operations.md', 'the-first-certificate'),
  },
  NotYetValid: { means: 'the certificate is not valid yet', fix: 'Wait for its notBefore, or check the clocks.' },
  CaUnavailable: {
    means: 'the CA does not answer',
    fix: 'Start the CA, or let the network of the renew function reach it. After a change of its url, deploy.',
  },
  CaRejected: {
    means: 'the CA refuses the request',
    fix: 'Read the CA’s answer in the message, and the CA’s log. Check its provisioner and claims.',
  },
  CaUntrusted: {
    means: 'the CA is not the one of the profile, or did not issue this certificate',
    fix: 'Correct the CA of the profile in the configuration and deploy, or put in a certificate of this CA.',
  },
  CertificateRejected: {
    means: 'the CA issued a certificate other than the requested one',
    fix: 'Check the templates of the CA. The message lists each difference.',
  },
  KmsDenied: {
    means: 'KMS refuses the use of a key',
    fix: 'Check the policy of the key, and its tag cert-renewer:profile. For the key that encrypts the secret: name it in encryptionKeys.',
  },
  KmsUnavailable: { means: 'KMS fails, or is throttled', fix: 'Wait. See the AWS Health Dashboard if it lasts.' },
  AccessDenied: {
    means: 'IAM refuses a call',
    fix: 'The message names the call. Check the policy of the resource, permissions boundaries and SCPs.',
  },
  Throttled: {
    means: 'AWS limits the rate of calls in this account',
    fix: 'Wait. Lower maxConcurrency if it comes often.',
  },
  SecretChanged: { means: 'another writer changed the secret during the renewal', fix: 'Wait for the next try.' },
  OutputExists: { means: 'the other secret has a value', fix: 'Name another secret, or overwrite it with --force.' },
  IssuanceNotAllowed: {
    means: 'issue of the profile does not allow the declaration',
    fix: 'Correct issue.allow or issue.maxDuration of the profile, or the declaration, and deploy.',
    link: docs('declared.md'),
  },
  NotDeclared: {
    means: 'no certificate is declared for the secret',
    fix: 'Declare it in certificates of the configuration and deploy.',
    link: docs('declared.md'),
  },
  Internal: {
    means: 'an error in cert-renewer, or in what the deployment wrote',
    fix: 'Deploy again. If it comes again, report it with the requestId of its log line.',
  },
  NotServed: {
    means: 'an endpoint does not serve the present certificate',
    fix: 'See what it presents (cert-renewer probe <name>), reload the server, and repair the hook that should have reloaded it.',
    link: docs('served.md', 'when-it-is-not-served'),
  },
  WaitingForCa: {
    means: 'its CA has not finished yet',
    fix: 'Wait: it is looked at again by itself, and given up after 24 hours. The log of the renew function says what the CA is doing.',
    link: docs('operations.md', 'an-order-that-waits'),
  },
  Paused: {
    means: 'a tag or the profile pauses it',
    fix: 'Find out why it is paused, then resume it. If its profile is paused, remove "paused" from the profile and deploy.',
    link: docs('options/paused.md'),
  },
};

const notTried: Omit<Advice, 'link'> = {
  means: 'it is due, and no try is noted',
  fix: 'Run cert-renewer doctor: it looks at the schedule, the queue and the functions.',
};

/** Returns whether the code is a reason to act that nothing has followed: the cause is not in the certificate, but in what should run. */
export const isNotTried = (code: CauseCode): boolean => pieces[code] === undefined;

/** Words for some codes at one kind of CA, in place of the common ones. */
export type AdviceAtCa = Partial<Record<CauseCode, { readonly means: string; readonly fix: string }>>;

/** Returns the advice for the code of a cause. `atCa` is that of the certificate's CA, if the caller knows it. A reason to act (`Expiring`, `Missing` …) is a cause when nothing has happened. */
export function adviceFor(code: CauseCode, atCa: AdviceAtCa = {}): Advice {
  const piece: Piece | undefined = pieces[code];
  const common = piece ? { link: errors, ...piece } : { ...notTried, link: docs('operations.md', 'overdue') };
  return { ...common, ...atCa[code] };
}
