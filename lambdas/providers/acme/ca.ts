/** An opened CA, with what a process keeps of it. */
import { RenewalError } from '../../domain/errors.ts';
import { httpsAddress } from '../../net/https-address.ts';
import type { ConversationLimits } from '../conversation.ts';
import { rootsOf } from '../roots.ts';
import { challengeWay } from './challenges/index.ts';
import type { ChallengeWay } from './challenges/way.ts';
import type { Acme } from './config.ts';
import { type Nonces, noncePool } from './nonces.ts';

/** The directory of a CA (RFC 8555 section 7.1.1), as directory.ts reads it. */
export interface Directory {
  readonly newNonce: URL;
  readonly newAccount: URL;
  readonly newOrder: URL;
  /** Undefined: the CA suggests no windows (RFC 9773). */
  readonly renewalInfo: URL | undefined;
  /** Address of the terms of service. */
  readonly terms: string | undefined;
  readonly externalAccountRequired: boolean;
  /** Names of the CA's profiles (draft-ietf-acme-profiles). Undefined: it has none. */
  readonly profiles: readonly string[] | undefined;
}

export interface AcmeCa {
  readonly config: Acme;
  /** Address of the directory. */
  readonly address: URL;
  /** PEM of the roots for TLS. Undefined: the system's. */
  readonly trusted: readonly string[] | undefined;
  readonly limits: ConversationLimits;
  readonly challenge: ChallengeWay;
  readonly nonces: Nonces;
  /** Filled by the first look of the process that asks for it. */
  readonly kept: { directory?: Directory; accountUrl?: string | undefined };
}

/** Throws InvalidRequest for an address or roots that can't be used. */
export function acmeCa(config: Acme, limits: ConversationLimits): AcmeCa {
  const { serverRoot } = config;
  return {
    config,
    address: addressOf(config),
    trusted: serverRoot === undefined ? undefined : [rootsOf(serverRoot).pem],
    limits,
    challenge: challengeWay(config.challenge),
    nonces: noncePool(),
    kept: {},
  };
}

/** arn:<partition>:acm:<region>:<account>:acme-endpoint/<id> */
const endpointArn = /^arn:aws[a-z-]*:acm:([a-z0-9-]+):\d{12}:acme-endpoint\/([\w-]+)$/;

/** AWS documents the address of an endpoint's directory in "ACME endpoints" of ACM's user guide. */
function addressOf({ directory, acmEndpoint }: Pick<Acme, 'directory' | 'acmEndpoint'>): URL {
  if ((directory === undefined) === (acmEndpoint === undefined)) {
    throw new RenewalError('InvalidRequest', 'The ca of the profile needs either directory or acmEndpoint.');
  }
  if (directory !== undefined) return httpsAddress(directory, 'https://ca.example/directory');
  const [, region, id] = endpointArn.exec(acmEndpoint ?? '') ?? [];
  if (region === undefined || id === undefined) {
    throw new RenewalError(
      'InvalidRequest',
      'The acmEndpoint of the profile is not the ARN of an ACME endpoint: expected arn:aws:acm:<region>:<account>:acme-endpoint/<id>.',
    );
  }
  return new URL(`https://acm-acme-enroll.${region}.api.aws/${id}/directory`);
}
