/** The login: one access token for all calls of a process, until it expires. */
import { RenewalError } from '../../domain/errors.ts';
import type { Instant } from '../../domain/instant.ts';
import { jsonObject } from '../ca-answer.ts';
import type { Conversation, InfisicalClient } from './client.ts';
import { type Credentials, isHeaderText, type ReadAuthSecret, readCredentials } from './credentials.ts';
import { refusal } from './errors.ts';

/** The dependencies of a login: the conversation, and the current value of the auth secret. */
export interface Login {
  readonly client: InfisicalClient;
  readonly conversation: Conversation;
  readonly readSecret: ReadAuthSecret;
  readonly now: Instant;
}

export interface Session {
  /** Returns the current token, or a new one. Throws CaRejected, CaUnavailable, CaUntrusted, UnsupportedSecret. */
  token(login: Login): Promise<string>;
  /** Discards a rejected token: the next call gets another one. */
  forget(token: string): void;
}

const loginPath = '/api/v1/auth/universal-auth/login';

/** Milliseconds before its end after which a token is not used: the call takes time, and clocks differ. */
const margin = (lifetime: number): number => Math.min(60_000, lifetime / 10);

interface Grant {
  readonly token: string;
  readonly until: Instant;
}

export function sessionOf(authSecretId: string): Session {
  let known: Grant | undefined;
  let pending: Promise<Grant> | undefined;
  return {
    async token(login) {
      if (known !== undefined && login.now < known.until) return known.token;
      // Concurrent renewals share one login.
      pending ??= (async () => {
        const credentials = await readCredentials(login.readSecret, authSecretId);
        known = await grantFor(credentials, login);
        return known;
      })().finally(() => {
        pending = undefined;
      });
      return (await pending).token;
    },
    forget(token) {
      if (known?.token === token) known = undefined;
    },
  };
}

async function grantFor(credentials: Credentials, { client, conversation, now }: Login): Promise<Grant> {
  // A token from the secret has no known end: it is kept until it is rejected.
  if (credentials.kind === 'token') return { token: credentials.token, until: Number.POSITIVE_INFINITY };
  const { clientId, clientSecret } = credentials;
  const { host } = client;
  const answer = await conversation.post(loginPath, { clientId, clientSecret });
  if (answer.status !== 200) throw refusal(answer, { host, asked: 'login', secrets: [clientSecret] });
  const { accessToken, expiresIn } = jsonObject(answer) ?? {};
  if (!isHeaderText(accessToken)) {
    throw new RenewalError(
      'CaRejected',
      `The login at ${host} returned no access token, so it is not Infisical's: check the url of the profile.`,
    );
  }
  const lifetime = typeof expiresIn === 'number' && expiresIn > 0 ? expiresIn * 1000 : 0;
  return { token: accessToken, until: now + lifetime - margin(lifetime) };
}
