/** The key of a command's target, by the service model of SSM (shape TargetKey). test/aws/models.local.test.ts holds it to that. */
export const targetKey = { pattern: /^[\p{L}\p{Z}\p{N}_.:/=\-@]*$/u, most: 163 };
