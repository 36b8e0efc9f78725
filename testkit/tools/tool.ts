/** The path of a program, or what is missing and how to install it. Serialisable, so that a test set-up can pass it to its tests. */
export type Tool = { readonly found: true; readonly path: string } | MissingTool;

export interface MissingTool {
  readonly found: false;
  readonly tool: string;
  readonly message: string;
  readonly fix: string;
}

export class ToolMissingError extends Error {
  readonly missing: MissingTool;

  constructor(missing: MissingTool) {
    super(`${missing.message}\nFix: ${missing.fix}`);
    this.name = 'ToolMissingError';
    this.missing = missing;
  }
}

export function required(tool: Tool): string {
  if (!tool.found) throw new ToolMissingError(tool);
  return tool.path;
}
