import { Token } from 'aws-cdk-lib';

/** Returns whether a value is, or contains, something that is known only at deployment. */
export function isToken(value: unknown): boolean {
  return Token.isUnresolved(value) || (Array.isArray(value) && value.some((entry) => Token.isUnresolved(entry)));
}

/** Returns the same as isToken, also for an element that stands for a whole list. The CDK recognises such an element only within a list. */
export const isTokenInList = (element: string): boolean => isToken([element]);
