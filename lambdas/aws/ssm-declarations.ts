/** Reads and writes declarations: one SSM parameter each, written by the deployment and read by the worker. */
import { type CallPolicy, call } from '../domain/calls.ts';
import type { Declaration } from '../domain/declaration.ts';
import type { DeclarationKeeper } from '../domain/declaring.ts';
import { RenewalError } from '../domain/errors.ts';
import type { DeclarationSource } from '../domain/ports.ts';
import { type AwsOptions, clientConfig, once } from './clients.ts';
import { awsError } from './errors.ts';

export interface DeclarationPlace extends AwsOptions {
  /** Path of the parameters, `/cert-renewer/<stack>/certificates/`. */
  readonly prefix: string;
  /** Name below the path: policy/declaration-identity.ts parameterNameOf. */
  readonly nameOf: (secretName: string) => string;
}

export interface DeclarationsOptions extends DeclarationPlace {
  /** Validates the parameter's JSON: policy/declaration.ts parseDeclaration. */
  readonly parse: (parameter: string, json: string) => Declaration | Promise<Declaration>;
}

const parameterOf = ({ prefix, nameOf }: DeclarationPlace, secretName: string): string =>
  `${prefix.replace(/\/$/, '')}/${nameOf(secretName)}`;

/**
 * Returns a DeclarationSource for each invocation. Its client is loaded with the first declaration. Nothing is kept, because a declaration
 * changes without a deployment of the function. Concurrent readers of the same declaration share a call.
 */
export function ssmDeclarations(options: DeclarationsOptions): (policy: CallPolicy) => DeclarationSource {
  const sdk = once(async () => {
    const loaded = await import('./sdk/ssm.ts');
    return { ...loaded, client: new loaded.SSMClient(clientConfig(options)) };
  });
  const underWay = new Map<string, Promise<Declaration | undefined>>();

  async function fetchDeclaration(secretName: string): Promise<Declaration | undefined> {
    const { client, GetParameterCommand } = await sdk();
    const parameter = parameterOf(options, secretName);
    const json = await textOf(parameter, () => client.send(new GetParameterCommand({ Name: parameter })));
    if (json === undefined) return undefined;
    const declaration = await options.parse(parameter, json);
    if (declaration.secretName === secretName) return declaration;
    throw new RenewalError(
      'Internal',
      `The parameter ${parameter} declares another secret than ${secretName}: deploy or declare it again.`,
    );
  }

  function find(secretName: string): Promise<Declaration | undefined> {
    const known = underWay.get(secretName);
    if (known !== undefined) return known;
    const found = fetchDeclaration(secretName).finally(() => underWay.delete(secretName));
    underWay.set(secretName, found);
    return found;
  }

  return (policy) => ({ find: (secretName) => call(policy, 'find', () => find(secretName)) });
}

/** Returns a DeclarationKeeper for each invocation, which writes and deletes declarations. */
export function ssmDeclarationKeeper(options: DeclarationPlace): (policy: CallPolicy) => DeclarationKeeper {
  const sdk = once(async () => {
    const loaded = await import('./sdk/ssm-declarations.ts');
    return { ...loaded, client: new loaded.SSMClient(clientConfig(options)) };
  });

  async function read(secretName: string): Promise<string | undefined> {
    const { client, GetParameterCommand } = await sdk();
    const parameter = parameterOf(options, secretName);
    return textOf(parameter, () => client.send(new GetParameterCommand({ Name: parameter })));
  }

  async function write(secretName: string, document: string): Promise<void> {
    const { client, PutParameterCommand, ParameterTier, ParameterType } = await sdk();
    const parameter = parameterOf(options, secretName);
    const command = new PutParameterCommand({
      Name: parameter,
      Description: 'Declaration of a certificate in a secret; cert-renewer issues it.',
      Value: document,
      Type: ParameterType.STRING,
      Overwrite: true,
      Tier: ParameterTier.INTELLIGENT_TIERING, // 8 KB if 4 KB are not enough
    });
    await client.send(command).catch((thrown: unknown) => {
      throw awsError(thrown, { service: 'ssm', action: 'PutParameter', resource: parameter });
    });
  }

  async function remove(secretName: string): Promise<boolean> {
    const { client, DeleteParameterCommand } = await sdk();
    const parameter = parameterOf(options, secretName);
    try {
      await client.send(new DeleteParameterCommand({ Name: parameter }));
      return true;
    } catch (thrown) {
      if (isMissing(thrown)) return false;
      throw awsError(thrown, { service: 'ssm', action: 'DeleteParameter', resource: parameter });
    }
  }

  return (policy) => ({
    read: (secretName) => call(policy, 'find', () => read(secretName)),
    write: (secretName, document) => call(policy, 'declare', () => write(secretName, document)),
    remove: (secretName) => call(policy, 'declare', () => remove(secretName)),
  });
}

const isMissing = (thrown: unknown): boolean => thrown instanceof Error && thrown.name === 'ParameterNotFound';

async function textOf(
  parameter: string,
  send: () => Promise<{ Parameter?: { Value?: string | undefined } | undefined }>,
): Promise<string | undefined> {
  try {
    return (await send()).Parameter?.Value;
  } catch (thrown) {
    if (isMissing(thrown)) return undefined;
    throw awsError(thrown, { service: 'ssm', action: 'GetParameter', resource: parameter });
  }
}
