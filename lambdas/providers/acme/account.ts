/** The account at a CA (RFC 8555 section 7.3). Its key is in KMS. The account is found by the key, and made only if there is none. */
import { RenewalError } from '../../domain/errors.ts';
import type { Signer } from '../../domain/signer.ts';
import type { HttpsAnswer } from '../../net/https.ts';
import { publicJwk } from '../jws.ts';
import type { Directory } from './ca.ts';
import { directoryOf } from './directory.ts';
import type { Exchange, Look } from './exchange.ts';
import { listIn, objectOf, requiredUrl } from './fields.ts';
import { Problem } from './problems.ts';
import { postSigned, type SignedRequest } from './signed.ts';

export interface Account {
  /** Returns the account's URL, from the process's memory or from the CA. Throws CaRejected if it can't be made. */
  url(): Promise<string>;
  /** Sends a request as this account. Throws Problem. */
  post(request: SignedRequest): Promise<HttpsAnswer>;
}

/** Returns the account's key. Throws what the vault throws. */
export async function accountKey({ ca, tools }: Pick<Look, 'ca' | 'tools'>): Promise<Signer> {
  const { accountKeyArn } = ca.config;
  if (accountKeyArn !== undefined) return tools.vault.signer(accountKeyArn);
  throw new RenewalError('Internal', 'The profile has no key of an ACME account: deploy the stack again.');
}

/** `known`: the URL in a receipt. */
export function accountAt(exchange: Exchange, signer: Signer, known?: string): Account {
  const { kept } = exchange.ca;
  let current = known ?? kept.accountUrl;
  let lookedUp: Promise<string> | undefined;
  const lookUp = (): Promise<string> => {
    lookedUp ??= findOrMake(exchange, signer).then((found) => {
      kept.accountUrl = found;
      current = found;
      return found;
    });
    return lookedUp;
  };
  const url = async () => current ?? lookUp();
  const postAs = (request: SignedRequest, kid: string) => postSigned(exchange, request, signer, { kid });
  return {
    url,
    post: async (request) => {
      const kid = await url();
      try {
        return await postAs(request, kid);
      } catch (error) {
        if (lookedUp !== undefined || !isAboutAccount(error)) throw error;
        // The CA may have lost or replaced the account that was known.
        kept.accountUrl = undefined;
        return postAs(request, await lookUp());
      }
    },
  };
}

const isAboutAccount = (error: unknown): boolean =>
  error instanceof Problem && (error.type === 'accountDoesNotExist' || error.type === 'unauthorized');

async function findOrMake(exchange: Exchange, signer: Signer): Promise<string> {
  const { newAccount } = await directoryOf(exchange);
  const jwk = publicJwk(signer.spki);
  const ask = (request: NewAccount) => postSigned(exchange, { url: newAccount, ...request }, signer, { jwk });
  try {
    const answer = await ask({ payload: { onlyReturnExisting: true } });
    const url = locationOf(answer, exchange);
    await updateContact(exchange, signer, { url, answer });
    return url.href;
  } catch (error) {
    if (!(error instanceof Problem) || error.type !== 'accountDoesNotExist') throw error;
  }
  const answer = await ask(await newAccountOf(exchange, signer));
  return locationOf(answer, exchange).href;
}

type NewAccount = Pick<SignedRequest, 'payload' | 'secrets'>;

async function newAccountOf(exchange: Exchange, signer: Signer): Promise<NewAccount> {
  const { ca, tools, host } = exchange;
  const { agreeToTerms, contact } = ca.config;
  const directory = await directoryOf(exchange);
  checkTerms(directory, agreeToTerms, host);
  const { bindingFor, signedBinding } = await import('./binding.ts');
  const binding = await bindingFor(ca.config, tools);
  if (binding === undefined && directory.externalAccountRequired) {
    throw new RenewalError(
      'CaRejected',
      `The CA at ${host} makes accounts only with an external account binding: set eabSecretId in the ca of the profile, with the name of a secret that has kid and hmacKey, or for ACM eabBinding.`,
    );
  }
  const bound = binding && signedBinding(binding, directory.newAccount, publicJwk(signer.spki));
  return {
    payload: {
      ...(agreeToTerms === true && { termsOfServiceAgreed: true }),
      ...(contact === undefined ? {} : { contact }),
      ...(bound && { externalAccountBinding: bound }),
    },
    secrets: binding === undefined ? [] : [binding.macKey],
  };
}

function checkTerms({ terms }: Directory, agreeToTerms: boolean | undefined, host: string): void {
  if (terms === undefined || agreeToTerms === true) return;
  const where = /^https?:\/\/[!-~]{1,200}$/.test(terms) ? ` at ${terms}` : '';
  throw new RenewalError(
    'CaRejected',
    `The CA at ${host} makes accounts only for those who agree to its terms of service${where}: read them, then set agreeToTerms in the ca of the profile.`,
  );
}

/** Section 7.3.2. A CA that keeps no contacts tells none, and then gets them once a process. */
async function updateContact(
  exchange: Exchange,
  signer: Signer,
  { url, answer }: { readonly url: URL; readonly answer: HttpsAnswer },
): Promise<void> {
  const { contact } = exchange.ca.config;
  if (contact === undefined) return;
  const known = listIn(objectOf(answer, 'its account', exchange.host)['contact']);
  if (known.join('\n') === contact.join('\n')) return;
  await postSigned(exchange, { url, payload: { contact } }, signer, { kid: url.href });
}

const locationOf = ({ headers }: HttpsAnswer, { host }: Exchange): URL =>
  requiredUrl(headers.location, 'the Location of the account', host);
