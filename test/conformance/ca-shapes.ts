import {
  basicConstraints,
  clientAuth,
  commonNameOnly,
  distinguishedName,
  extendedKeyUsage,
  extension,
  keyUsage,
  type LeafRequest,
  sequence,
  serverAuth,
  subjectAltName,
  utf8,
} from '../../testkit/certificates/index.ts';

const usages = [keyUsage('digitalSignature'), extendedKeyUsage(serverAuth, clientAuth)];
export const names = subjectAltName('dns:leaf.example');
const bmp = (text: string): string => [...text].map((character) => `\u0000${character}`).join('');

/** Certificates with one special part each, by the name of that part. */
export const certificateShapes: readonly [name: string, part: Partial<Pick<LeafRequest, 'subject' | 'extensions'>>][] =
  [
    [
      'names of each kind',
      {
        extensions: [
          ...usages,
          subjectAltName(
            'dns:leaf.example',
            'dns:*.leaf.example',
            'ip:c0000201',
            `ip:20010db8${'0'.repeat(23)}1`,
            'email:ops@leaf.example',
            'uri:spiffe://leaf.example/web',
          ),
        ],
      },
    ],
    [
      'an empty subject and critical names',
      {
        subject: distinguishedName(),
        extensions: [...usages, { ...names, critical: true }],
      },
    ],
    [
      'several attributes in one RDN',
      {
        subject: distinguishedName(
          [['C', 'CH', 0x13]],
          [
            ['CN', 'leaf'],
            ['OU', 'ops'],
          ],
        ),
      },
    ],
    ['two common names', { subject: distinguishedName([['CN', 'first']], [['O', 'between']], [['CN', 'last']]) }],
    ['no common name', { subject: distinguishedName([['O', 'Leaf & Sons']]) }],
    ['a common name beyond ASCII', { subject: commonNameOnly('Zürich “✓” \u{1f512} "\\') }],
    ['a common name in BMPString', { subject: distinguishedName([['CN', bmp('leaf'), 0x1e]]) }],
    ['no names and no extended key usage', { extensions: [keyUsage('digitalSignature', 'keyEncipherment')] }],
    ['any extended key usage', { extensions: [keyUsage('digitalSignature'), extendedKeyUsage('2.5.29.37.0'), names] }],
    [
      'extensions of its own',
      {
        extensions: [
          ...usages,
          names,
          basicConstraints(false),
          extension('1.3.6.1.4.1.99999.1', utf8('its own')),
          extension('2.5.29.32', sequence(sequence(Uint8Array.of(0x06, 0x04, 0x55, 0x1d, 0x20, 0x00)))),
        ],
      },
    ],
  ];
