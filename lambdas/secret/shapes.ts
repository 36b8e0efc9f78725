/** All shapes of secrets. */
import { jsonCamel } from './json-camel.ts';
import { jsonPkcs12 } from './json-pkcs12.ts';
import { jsonSnake } from './json-snake.ts';
import { jsonTls } from './json-tls.ts';
import { pemText } from './pem-text.ts';
import { pkcs12 } from './pkcs12.ts';
import type { Shape } from './shape.ts';

export const shapes = [jsonCamel, jsonSnake, jsonTls, pemText, jsonPkcs12, pkcs12] as const satisfies readonly Shape[];

export type ShapeName = (typeof shapes)[number]['name'];

/** The end of the sentence "expected …" in an error. */
export const expectedShapes = shapes.map(({ expected }) => expected).join('; or ');
