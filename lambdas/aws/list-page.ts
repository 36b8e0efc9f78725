/**
 * A page of ListSecrets, read by JSON.parse. The SDK walks every value of an answer by its schema, which for a hundred
 * secrets with their tags is more than a third of a scan's work; all of it is text here, but for one date.
 */
import type { ListSecretsCommand, SecretListEntry } from '@aws-sdk/client-secrets-manager';

/** Of ListSecrets' answer as it is sent (JSON 1.1): dates are seconds since 1970. */
interface SentPage {
  readonly SecretList?: readonly (Omit<SecretListEntry, 'DeletedDate'> & { readonly DeletedDate?: number })[];
  readonly NextToken?: string;
}

/** What is used of the answer that node's handler gives. */
interface Answered {
  readonly statusCode: number;
  body: AsyncIterable<Uint8Array> | Uint8Array;
}

/**
 * Has the page of this one command read here; the SDK gets the rest of the answer, and every error. Gives undefined
 * before there is an answer.
 */
export function readsOwnPage(command: ListSecretsCommand): () => readonly SecretListEntry[] | undefined {
  let found: readonly SecretListEntry[] | undefined;
  const read =
    <Arguments, Result extends { readonly response: unknown }>(next: (args: Arguments) => Promise<Result>) =>
    async (args: Arguments): Promise<Result> => {
      found = undefined; // of an attempt before this one
      const result = await next(args);
      const { response } = result;
      if (!isAnswered(response) || response.statusCode !== 200) return result;
      const { SecretList = [], ...rest }: SentPage = JSON.parse(await textOf(response.body));
      found = SecretList.map(withDate);
      response.body = Buffer.from(JSON.stringify(rest));
      return result;
    };
  command.middlewareStack.addRelativeTo(read, {
    relation: 'after',
    toMiddleware: 'deserializerMiddleware',
    name: 'readsOwnPage',
  });
  return () => found;
}

function withDate({ DeletedDate, ...entry }: NonNullable<SentPage['SecretList']>[number]): SecretListEntry {
  return DeletedDate === undefined ? entry : { ...entry, DeletedDate: new Date(DeletedDate * 1000) };
}

function isAnswered(response: unknown): response is Answered {
  return typeof response === 'object' && response !== null && 'statusCode' in response && 'body' in response;
}

async function textOf(body: Answered['body']): Promise<string> {
  if (body instanceof Uint8Array) return Buffer.from(body).toString('utf8');
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}
