/** Reads values of a synthesised template. */
import type { Template } from 'aws-cdk-lib/assertions';
import { expect } from 'vitest';

export type Json = Record<string, unknown>;

/** Returns the properties of the one resource of this type whose logical id contains `idPart`. */
export function one(type: string, idPart: string, from: Template): Json {
  const found = Object.entries(from.findResources(type)).filter(([id]) => id.includes(idPart));
  expect(
    found.map(([id]) => id),
    `${type} ${idPart}`,
  ).toHaveLength(1);
  return found[0]?.[1]['Properties'] ?? {};
}

export function statements(idPart: string, from: Template): Json[] {
  const { PolicyDocument } = one('AWS::IAM::Policy', idPart, from) as { PolicyDocument: { Statement: Json[] } };
  return PolicyDocument.Statement;
}

export function withSid(idPart: string, sid: string, from: Template): Json {
  return statements(idPart, from).find(({ Sid }) => Sid === sid) ?? {};
}

/** Returns all actions that a role is allowed, sorted. */
export function actionsOf(idPart: string, from: Template): unknown[] {
  return statements(idPart, from)
    .filter(({ Effect }) => Effect === 'Allow')
    .flatMap(({ Action }) => Action)
    .sort();
}

export function environment(idPart: string, from: Template): Json {
  return (one('AWS::Lambda::Function', idPart, from)['Environment'] as { Variables: Json }).Variables;
}

/** Returns a template's text, with `<…>` for values of CloudFormation. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const { Ref, 'Fn::GetAtt': attribute, 'Fn::Join': join } = value as Record<string, [string, unknown[]]>;
  return join ? join[1].map(textOf).join(join[0]) : `<${Ref ?? attribute}>`;
}
