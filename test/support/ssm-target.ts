/**
 * The pattern of a command's target key, from the service model of SSM (shape TargetKey). test/aws/models.local.test.ts
 * compares them.
 */
export const targetKey = { pattern: /^[\p{L}\p{Z}\p{N}_.:/=\-@]*$/u, most: 163 };
