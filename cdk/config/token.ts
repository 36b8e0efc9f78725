import { Token } from 'aws-cdk-lib';

/** True of a value that holds something known only at deployment. */
export function isToken(value: unknown): boolean {
  return Token.isUnresolved(value) || (Array.isArray(value) && value.some((entry) => Token.isUnresolved(entry)));
}

/** True of an element of a list, too, that stands for a whole list: CDK tells that by the list alone. */
export const isTokenInList = (element: string): boolean => isToken([element]);
