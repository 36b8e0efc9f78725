/**
 * An ACME CA (RFC 8555, RFC 9773) on 127.0.0.1, which misbehaves as a test decides. Faults are by the name of a call: directory, newNonce,
 * newAccount, account, newOrder, order, authorization, challenge, finalize, certificate, renewalInfo. A Refused thrown as a fault is the
 * CA's answer; a Crash cuts the connection.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Faults } from '../faults.ts';
import { tlsServer } from '../tls-server.ts';
import { isBound, thumbprintOf, type Verified, verified } from './jws.ts';
import {
  type FakeAccount,
  type FakeAuthorization,
  type FakeChallenge,
  FakeIssuer,
  type FakeOrder,
  type FakeProblem,
  type Identifier,
  issuerName,
  judge,
} from './orders.ts';

/** An answer without success. */
export class Refused extends Error {
  readonly status: number;
  readonly problem: FakeProblem;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, type: string, detail = type, headers = {}, more: Partial<FakeProblem> = {}) {
    super(detail);
    this.status = status;
    this.problem = { type, detail, ...more };
    this.headers = headers;
  }
}

/** How the CA behaves. A test may change it at any time. */
export interface Behaviour {
  /** The next so many good nonces are refused. */
  badNonces: number;
  /** Looks at an order until a validation or an issuance is done. */
  validationLooks: number;
  processingLooks: number;
  /** Retry-After of an order that waits. */
  retryAfter: string | undefined;
  /** New authorisations are valid at once. */
  approved: boolean;
  challengeTypes: readonly string[];
  /** A challenge that failed stays pending with an error, and wants to be told again, as at step-ca. */
  forgiving: boolean;
  refusesReplaces: boolean;
  /** An order for the same names as an open one is that one, as at Boulder. */
  reusesOrders: boolean;
  externalAccount: { readonly kid: string; readonly hmacKey: string } | undefined;
  terms: string | undefined;
  profiles: Record<string, string> | undefined;
  hasRenewalInfo: boolean;
  window: unknown;
  /** Milliseconds that an order lives. */
  lifetime: number;
}

export interface FakeAcme {
  readonly directory: string;
  readonly behaviour: Behaviour;
  readonly faults: Faults;
  readonly accounts: FakeAccount[];
  readonly orders: FakeOrder[];
  readonly issuer: FakeIssuer;
  /** Payloads of all verified requests, by call. */
  readonly sent: { readonly call: string; readonly payload: Record<string, unknown> | undefined }[];
  close(): Promise<void>;
}

interface Question extends Verified {
  readonly call: string;
  readonly id: number;
  readonly rest: string;
}

interface Reply {
  readonly status?: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string | string[]>>;
}

export interface FakeAcmeOptions extends Partial<Behaviour> {
  /** The values of TXT records. */
  readonly txt?: (name: string) => readonly string[];
  readonly now?: () => number;
}

const usual: Behaviour = {
  badNonces: 0,
  validationLooks: 1,
  processingLooks: 1,
  retryAfter: undefined,
  approved: false,
  challengeTypes: ['http-01', 'dns-01', 'dns-persist-01'],
  forgiving: false,
  refusesReplaces: false,
  reusesOrders: false,
  externalAccount: undefined,
  terms: undefined,
  profiles: undefined,
  hasRenewalInfo: true,
  window: undefined,
  lifetime: 7 * 86_400_000,
};

export async function fakeAcme({
  txt = () => [],
  now = Date.now,
  ...options
}: FakeAcmeOptions = {}): Promise<FakeAcme> {
  const behaviour: Behaviour = { ...usual, ...options };
  const faults = new Faults();
  const accounts: FakeAccount[] = [];
  const orders: FakeOrder[] = [];
  const sent: FakeAcme['sent'][number][] = [];
  const issuer = new FakeIssuer(now);
  const nonces = new Set<string>();
  let ids = 0;
  const server = await tlsServer(serve);
  const url = server.url.origin;
  const accountUrl = (id: number) => `${url}/account/${id}`;

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, call = '', id = '', rest = ''] = /^\/(\w+)(?:\/([\w.-]+))?(?:\/([\w.-]+))?$/.exec(request.url ?? '') ?? [];
    const body = Buffer.concat(await request.toArray()).toString();
    const isSigned = request.method === 'POST';
    try {
      const reply = await faults.around(call, [request.method], async () => {
        if (!isSigned) return open(call, id);
        const question = await check(body, `${url}${request.url}`);
        sent.push({ call, payload: question.payload });
        return signed({ ...question, call, id: Number(id), rest });
      });
      if (isSigned || call === 'newNonce') giveNonce(response);
      write(response, reply);
    } catch (error) {
      if (isSigned) giveNonce(response);
      if (error instanceof Refused) return refuse(response, error);
      response.socket?.destroy();
    }
  }

  function giveNonce(response: ServerResponse): void {
    const nonce = randomBytes(16).toString('base64url');
    nonces.add(nonce);
    response.setHeader('replay-nonce', nonce);
  }

  function write(response: ServerResponse, { status = 200, body, headers = {} }: Reply): void {
    const isText = typeof body === 'string';
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(isText ? body : JSON.stringify(body));
  }

  function refuse(response: ServerResponse, { status, problem, headers }: Refused): void {
    const type = `urn:ietf:params:acme:error:${problem.type}`;
    write(response, { status, body: { ...problem, type }, headers });
  }

  async function check(body: string, at: string): Promise<Verified> {
    const keyOf = (kid: string) => accounts.find(({ id }) => accountUrl(id) === kid)?.jwk;
    const question = await verified(body, at, keyOf).catch((error: unknown) => {
      const type = error instanceof Error && 'type' in error ? String(error.type) : 'malformed';
      throw new Refused(400, type, error instanceof Error ? error.message : '');
    });
    if (!nonces.delete(question.nonce)) throw new Refused(400, 'badNonce', 'unknown nonce');
    if (behaviour.badNonces > 0) {
      behaviour.badNonces--;
      throw new Refused(400, 'badNonce', 'refused to test the client');
    }
    return question;
  }

  function open(call: string, id: string): Reply {
    if (call === 'newNonce') return { body: '' };
    if (call === 'renewalInfo') {
      if (behaviour.window === undefined) throw new Refused(404, 'malformed', `no certificate ${id}`);
      return { body: { suggestedWindow: behaviour.window }, headers: { 'retry-after': '21600' } };
    }
    if (call !== 'directory') throw new Refused(404, 'malformed', 'no such resource');
    const { profiles, terms, externalAccount, hasRenewalInfo } = behaviour;
    const meta = { profiles, termsOfService: terms, externalAccountRequired: externalAccount !== undefined };
    const address = (name: string) => ({ [name]: `${url}/${name}` });
    const addresses = ['newNonce', 'newAccount', 'newOrder', ...(hasRenewalInfo ? ['renewalInfo'] : [])].map(address);
    return { body: Object.assign({ meta }, ...addresses) };
  }

  async function signed(question: Question): Promise<Reply> {
    if (question.call === 'newAccount') return newAccount(question);
    const account = accounts.find(({ id }) => accountUrl(id) === question.kid);
    if (account === undefined) throw new Refused(400, 'malformed', 'this resource needs kid');
    if (question.call === 'account') return updated(account, question);
    if (question.call === 'newOrder') return newOrder(account, question);
    const { order, authorization, challenge } = find(question);
    if (order.expires <= now()) throw new Refused(404, 'malformed', 'order not found');
    if (order.account !== account.id) throw new Refused(403, 'unauthorized', 'of another account');
    switch (question.call) {
      case 'order':
        look(order);
        return shown(order);
      case 'authorization':
        return { body: authorizationBody(authorization) };
      case 'challenge':
        return tell(account, order, authorization, challenge);
      case 'finalize':
        return finalize(order, question);
      case 'certificate':
        return certificate(order, Number(question.rest || 0));
      default:
        throw new Refused(404, 'malformed', 'no such resource');
    }
  }

  async function newAccount({ jwk, payload = {} }: Question): Promise<Reply> {
    if (jwk === undefined) throw new Refused(400, 'malformed', 'newAccount needs jwk');
    const thumbprint = await thumbprintOf(jwk);
    const known = accounts.find((each) => each.thumbprint === thumbprint);
    const found = (account: FakeAccount, status: number): Reply => ({
      status,
      body: { status: 'valid', contact: account.contact },
      headers: { location: accountUrl(account.id) },
    });
    if (known !== undefined) return found(known, 200);
    if (payload['onlyReturnExisting'] === true) throw new Refused(400, 'accountDoesNotExist');
    if (behaviour.terms !== undefined && payload['termsOfServiceAgreed'] !== true) {
      throw new Refused(403, 'userActionRequired', 'agree to the terms');
    }
    const { externalAccount } = behaviour;
    const where = { url: `${url}/newAccount`, jwk };
    if (externalAccount && !isBound(payload['externalAccountBinding'], externalAccount, where)) {
      throw new Refused(403, 'externalAccountRequired', 'no valid binding');
    }
    const contact = Array.isArray(payload['contact']) ? payload['contact'].map(String) : [];
    const account = { id: ++ids, thumbprint, jwk, contact };
    accounts.push(account);
    return found(account, 201);
  }

  function updated(account: FakeAccount, { payload = {} }: Question): Reply {
    if (Array.isArray(payload['contact'])) account.contact = payload['contact'].map(String);
    return { body: { status: 'valid', contact: account.contact } };
  }

  function newOrder(account: FakeAccount, { payload = {} }: Question): Reply {
    const identifiers = payload['identifiers'] as readonly Identifier[];
    if (behaviour.refusesReplaces && payload['replaces'] !== undefined) {
      throw new Refused(409, 'alreadyReplaced', 'the certificate was replaced');
    }
    const isOpen = ({ status }: FakeOrder) => status === 'pending' || status === 'ready';
    const names = (of: readonly Identifier[]) => JSON.stringify(of.map(({ value }) => value).sort());
    const known = orders.find((each) => isOpen(each) && names(each.identifiers) === names(identifiers));
    if (behaviour.reusesOrders && known !== undefined) return { ...shown(known), status: 201 };
    const text = (value: unknown) => (value === undefined ? undefined : String(value));
    const order: FakeOrder = {
      id: ++ids,
      account: account.id,
      identifiers,
      authorizations: identifiers.map(newAuthorization),
      expires: now() + behaviour.lifetime,
      profile: text(payload['profile']),
      replaces: text(payload['replaces']),
      status: behaviour.approved ? 'ready' : 'pending',
      looksLeft: 0,
      finalised: 0,
      chains: [],
    };
    orders.push(order);
    return { ...shown(order), status: 201 };
  }

  function newAuthorization({ type, value }: Identifier): FakeAuthorization {
    const wildcard = value.startsWith('*.');
    const types = wildcard ? behaviour.challengeTypes.filter((each) => each !== 'http-01') : behaviour.challengeTypes;
    const status = behaviour.approved ? 'valid' : 'pending';
    const challenge = (each: string): FakeChallenge => ({
      id: ++ids,
      type: each,
      token: randomBytes(16).toString('base64url'),
      status,
      told: 0,
    });
    const identifier = { type, value: value.replace(/^\*\./, '') };
    return { id: ++ids, identifier, wildcard, status, challenges: types.map(challenge) };
  }

  function find({ call, id }: Question): {
    order: FakeOrder;
    authorization: FakeAuthorization;
    challenge: FakeChallenge;
  } {
    for (const order of orders) {
      for (const authorization of order.authorizations) {
        for (const challenge of authorization.challenges) {
          const own = { authorization: authorization.id, challenge: challenge.id }[call] ?? order.id;
          if (own === id) return { order, authorization, challenge };
        }
      }
    }
    throw new Refused(404, 'malformed', 'order not found');
  }

  /** Moves the order on, after its looks are over. */
  function look(order: FakeOrder): void {
    if (order.looksLeft > 0) order.looksLeft--;
    if (order.looksLeft > 0) return;
    if (order.status === 'processing') order.status = 'valid';
    if (order.status !== 'pending') return;
    for (const authorization of order.authorizations) settle(order, authorization);
    if (order.authorizations.every(({ status }) => status === 'valid')) order.status = 'ready';
  }

  function settle(order: FakeOrder, authorization: FakeAuthorization): void {
    for (const challenge of authorization.challenges) {
      if (challenge.result === undefined || authorization.status !== 'pending') continue;
      const isValid = challenge.result === 'valid';
      if (challenge.result !== 'valid' && behaviour.forgiving) {
        challenge.error = challenge.result;
        challenge.status = 'pending';
        continue;
      }
      challenge.status = isValid ? 'valid' : 'invalid';
      authorization.status = challenge.status;
      if (challenge.result === 'valid') continue;
      challenge.error = challenge.result;
      order.status = 'invalid';
    }
  }

  function tell(
    account: FakeAccount,
    order: FakeOrder,
    authorization: FakeAuthorization,
    challenge: FakeChallenge,
  ): Reply {
    if (challenge.status !== 'pending') {
      throw new Refused(400, 'malformed', `Challenge in ${challenge.status} status cannot be updated`);
    }
    challenge.told++;
    challenge.status = 'processing';
    challenge.result = judge(challenge, authorization, { ...account, uri: accountUrl(account.id) }, txt);
    order.looksLeft = Math.max(order.looksLeft, behaviour.validationLooks);
    return { body: challengeBody(challenge) };
  }

  function finalize(order: FakeOrder, { payload = {} }: Question): Reply {
    if (order.status !== 'ready') throw new Refused(403, 'orderNotReady', `the order is ${order.status}`);
    try {
      order.chains = issuer.issue(Buffer.from(String(payload['csr']), 'base64url'), order.identifiers);
    } catch (error) {
      throw new Refused(400, 'badCSR', error instanceof Error ? error.message : '');
    }
    order.finalised++;
    order.status = behaviour.processingLooks === 0 ? 'valid' : 'processing';
    order.looksLeft = behaviour.processingLooks;
    return shown(order);
  }

  function certificate({ id, chains }: FakeOrder, at: number): Reply {
    const others = chains.map((_, other) => other).filter((other) => other !== at);
    const link = ['<https://ca.example/directory>;rel="index"'].concat(
      others.map((other) => `<${url}/certificate/${id}/${other}>;rel="alternate"`),
    );
    const headers = { 'content-type': 'application/pem-certificate-chain', link };
    return { body: chains[at] ?? '', headers };
  }

  function shown(order: FakeOrder): Reply {
    const { id, status, identifiers, authorizations, expires, error } = order;
    const { retryAfter } = behaviour;
    const waits = status === 'pending' || status === 'processing';
    return {
      headers: {
        location: `${url}/order/${id}`,
        ...(retryAfter !== undefined && waits && { 'retry-after': retryAfter }),
      },
      body: {
        status,
        identifiers,
        expires: new Date(expires).toISOString(),
        authorizations: authorizations.map((each) => `${url}/authorization/${each.id}`),
        finalize: `${url}/finalize/${id}`,
        ...(status === 'valid' && { certificate: `${url}/certificate/${id}` }),
        ...(error && { error: problemBody(error) }),
      },
    };
  }

  const problemBody = (problem: FakeProblem) => ({ ...problem, type: `urn:ietf:params:acme:error:${problem.type}` });

  const challengeBody = ({ id, type, token, status, error }: FakeChallenge) => ({
    type,
    url: `${url}/challenge/${id}`,
    status,
    ...(type === 'dns-persist-01' ? { 'issuer-domain-names': [issuerName] } : { token }),
    ...(error && { error: problemBody(error) }),
  });

  const authorizationBody = ({ identifier, wildcard, status, challenges }: FakeAuthorization) => ({
    identifier,
    status,
    ...(wildcard && { wildcard }),
    challenges: challenges.map(challengeBody),
  });

  return { directory: `${url}/directory`, behaviour, faults, accounts, orders, issuer, sent, close: server.close };
}
