/** The answer of a probe about one certificate: for people, and for `--json`. Pure. */
import type { EndpointReport, EndpointState } from '../../lambdas/domain/serving.ts';
import type { ServingState } from '../../lambdas/policy/served.ts';
import type { ProbeAnswer } from '../../lambdas/probes/run.ts';
import { inFlags } from '../flags.ts';
import { printable, type Style, type Terminal } from '../terminal.ts';
import { wrapped } from '../wrap.ts';

const states: Readonly<Record<ServingState, string>> = {
  pending: 'not served yet',
  served: 'served',
  lost: 'not served now',
  'not-served': 'not served',
};

const styles: Readonly<Record<EndpointState, Style>> = { served: 'green', stale: 'red', unreachable: 'red' };

/** Returns whether each endpoint presents the certificate. */
export const isServed = ({ error, endpoints }: ProbeAnswer): boolean =>
  error === undefined && endpoints.length > 0 && endpoints.every(({ state }) => state === 'served');

/** Returns the lines for a person. No line is cut. */
export function linesOf(answer: ProbeAnswer, terminal: Terminal): readonly string[] {
  const { secretId, name, state, endpoints, warnings, error } = answer;
  const inner = (text: string, indent: number) =>
    wrapped(printable(text), terminal.width, indent).map((line) => `${' '.repeat(indent)}${line}`);
  const head = printable(`${name ?? secretId}: `);
  if (error) return [`${head}failed: ${printable(`${error.code}: ${inFlags(error.message)}`)}`];
  if (endpoints.length === 0) return [`${head}not probed, because the time of the function was over: try again`];
  return [
    `${head}${terminal.paint(isServed(answer) ? 'green' : 'red', state === null ? '' : states[state])}`,
    ...endpoints.flatMap((report) => [
      `  ${printable(report.endpoint)}: ${terminal.paint(styles[report.state], report.state)}${presented(report)}`,
      ...inner(report.message, 4),
    ]),
    ...warnings.flatMap(({ code, message }) => inner(`${code}: ${message}`, 2)),
  ];
}

function presented({ serialNumber, notAfter }: EndpointReport): string {
  return serialNumber === null ? '' : `, serial ${printable(serialNumber)}, until ${notAfter ?? 'an unknown time'}`;
}

/** Returns a line of `--json`. An error has the fields that it has with every command. */
export function recordOf({ error, name, secretId, ...rest }: ProbeAnswer) {
  const named = { name: name ?? secretId, secretId, ...rest };
  return error === undefined ? named : { ...named, error: { errorType: error.code, message: error.message } };
}
