/** The ciphers and derivations of PKCS#12, with the vectors of their standards and of OpenSSL. */
import { describe, expect, it } from 'vitest';
import { readEncryptedPrivateKeyInfo } from '../../lambdas/secret/encrypted-key.ts';
import { open } from '../../lambdas/secret/encryption/pbes.ts';
import { type Pkcs12KeyRequest, pkcs12Key } from '../../lambdas/secret/encryption/pkcs12-key.ts';
import { decryptRc2 } from '../../lambdas/secret/encryption/rc2.ts';

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const hex = (found: Uint8Array | undefined) => found && Buffer.from(found).toString('hex');

describe('RC2', () => {
  /** RFC 2268, section 5: key, effective bits, a plain block, the encrypted block. */
  const vectors: [string, number, string, string][] = [
    ['0000000000000000', 63, '0000000000000000', 'ebb773f993278eff'],
    ['ffffffffffffffff', 64, 'ffffffffffffffff', '278b27e42e2f0d49'],
    ['3000000000000000', 64, '1000000000000001', '30649edf9be7d2c2'],
    ['88', 64, '0000000000000000', '61a8a244adacccf0'],
    ['88bca90e90875a', 64, '0000000000000000', '6ccf4308974c267f'],
    ['88bca90e90875a7f0f79c384627bafb2', 64, '0000000000000000', '1a807d272bbe5db1'],
    ['88bca90e90875a7f0f79c384627bafb2', 128, '0000000000000000', '2269552ab0f85ca6'],
    ['88bca90e90875a7f0f79c384627bafb216f80a6f85920584c42fceb0be255daf1e', 129, '0000000000000000', '5b78d3a43dfff1f1'],
  ];
  const xor = (a: Uint8Array, b: Uint8Array) => a.map((byte, i) => byte ^ (b[i] ?? 0));

  /** CBC gives block XOR IV. So the IV determines the plain block of the vector. */
  function openedTo(target: string, [key, bits, clear, encrypted] = vectors[6] ?? ['', 0, '', '']) {
    return hex(decryptRc2(bytes(key), bits, xor(bytes(clear), bytes(target)), bytes(encrypted)));
  }

  it.each(vectors)('with the key %s of %i bits', (...vector) => {
    expect(openedTo('61626364656667 01', vector)).toBe('61626364656667');
  });

  it('chains its blocks', () => {
    const [key, bits, , encrypted] = vectors[6] ?? ['', 0, '', ''];
    // The second block decrypts to zeros XOR the first block, so to the first block. Its last byte is made a padding.
    const first = bytes(encrypted).with(7, 1);
    const opened = decryptRc2(bytes(key), bits, new Uint8Array(8), new Uint8Array([...first, ...bytes(encrypted)]));
    expect(hex(opened?.subarray(8))).toBe(hex(first.subarray(0, 7)));
  });

  it.each<[string, string, string]>([
    ['one byte', '61626364656667 01', '61626364656667'],
    ['three', '6162636465 030303', '6162636465'],
    ['a whole block', '0808080808080808', ''],
  ])('removes padding: %s', (_, target, opened) => {
    expect(openedTo(target)).toBe(opened);
  });

  it.each<[string, string]>([
    ['none', '61626364656667 00'],
    ['zeros alone', '0000000000000000'],
    ['longer than a block', '0909090909090909'],
    ['bytes that differ', '616263646566 05 02'],
  ])('has no valid padding: %s', (_, target) => {
    expect(openedTo(target)).toBeUndefined();
  });

  it.each([0, 1, 7, 12])('does not decrypt %i bytes: they are no whole blocks', (length) => {
    expect(decryptRc2(new Uint8Array(5), 40, new Uint8Array(8), new Uint8Array(length))).toBeUndefined();
  });
});

describe('a key of PKCS#12', () => {
  const salt = '0102030405060708';
  const longSalt = hex(Uint8Array.from({ length: 70 }, (_, i) => i + 1)) ?? '';
  const long = 'correct horse battery staple, and a paper clip';
  type Vector = [Pkcs12KeyRequest['digest'], Pkcs12KeyRequest['purpose'], string, string, number, string];
  /**
   * From `openssl kdf -keylen … -kdfopt digest:… -kdfopt hexpass:… -kdfopt hexsalt:… -kdfopt iter:… -kdfopt id:… PKCS12KDF` of
   * 3.0.19.
   */
  const vectors: Vector[] = [
    ['sha1', 'key', 'password', salt, 2048, '2A3A9C95B6AC4C49EBBF7A65976B1BBD5F0FFA69A1BE2427'],
    ['sha1', 'iv', 'password', salt, 2048, '995815DE47373A76'],
    ['sha1', 'mac', 'password', salt, 2048, 'E41BF25C2EA77685923A7B4BB231021E7E045EE4'],
    ['sha224', 'mac', 'password', salt, 2048, '7DB8E05AD108B5D982C76360AADC71E9AC06848FBAED4761AAB3E2C5'],
    ['sha256', 'mac', 'password', salt, 2048, '4F510E1B5428CB3A1B784CEEE7B1A95670F60E825199C121BD1752EE9E1C83F2'],
    [
      'sha384',
      'mac',
      'password',
      salt,
      2048,
      '85343160AE9673525765F505818E7E253164574DA9D6C44854CE1366B04753B1158FF4DB65857A1B0B35E47427368DAC',
    ],
    [
      'sha512',
      'mac',
      'password',
      salt,
      2048,
      'AD26E4B067A5117031B060335151A03A74FE5F0D7C1E116EA2C22E85A9ECA166B71091C2B318942A51460AAD4529EB02FA9AD40A0230303D14CB522A7171C7C9',
    ],
    // A password and a salt longer than a block, and a key longer than a hash.
    [
      'sha1',
      'key',
      long,
      longSalt,
      1000,
      '69BA31637A5BDA8EB8FC3B19A9E9CE6CADB57BE63EBAFDDB640D94DEB52969F43DAFD2CFA118DBE2F4C8B366F5',
    ],
    [
      'sha512',
      'key',
      long,
      longSalt,
      1000,
      '74E4AA5F2584769B645A77011CE16F1BB599E551DC866DBE8BBD009FEA99793F83614B585E5122AAF598858A9EBD5B4836814B3AD39295B9A8D3DB9924C80DCBB3533829F89AAE943F032CC559F110A6EE352F8F6E0926606970CD4D2325FB27D1FE0952FC9D6D35CF3380AA3807D263CA937F1051009A5744188A65B08771285173',
    ],
  ];
  it.each(vectors)('%s, %s of %j', async (digest, purpose, password, saltHex, iterations, expected) => {
    const { length } = bytes(expected);
    const key = await pkcs12Key({ digest, purpose, password, salt: bytes(saltHex), iterations, length });
    expect(hex(key)).toBe(hex(bytes(expected)));
  });
});

/** From `openssl pkcs8 -topk8 -v1 … -provider legacy -provider default -passout pass:password -outform DER` of 3.0.19. */
describe('an Ed25519 key that OpenSSL encrypted with', () => {
  const clear = '302e020100300506032b657004220420d18435394d90339251495e50084707d9a2345aa4cc36f61a520e8916c5a5e56d';
  it.each<[string, string]>([
    [
      'PBE-SHA1-3DES',
      '3058301c060a2a864886f70d010c0103300e04089f8074da11bebe4d02020800043881e4977ea1d207e89256826bfee7bebf75a1c4e9e9789e406bee66df4626206dfd75e2c54cbf7bb44a13522f608250cce7674ccce6296cc7',
    ],
    [
      'PBE-SHA1-RC2-128',
      '3058301c060a2a864886f70d010c0105300e04087c4347b6701ec918020208000438464233c8067ad01226f485aadb4d191a1173d9dfc0f584145f44b6472ac10ff05071556627681814d7b2f94c845e175f2cd4e23eb957c6c8',
    ],
    [
      'PBE-SHA1-RC2-40',
      '3058301c060a2a864886f70d010c0106300e0408d1ea08e8a84dfee30202080004388286ecc5f1bb3231a57efd5d758f773e135f311c2cec3023d2f5271dc3d36503ec653319b5699122d435971d9aff650fac3f77926b7e552b',
    ],
  ])('%s', async (_, encrypted) => {
    const { algorithm, data } = readEncryptedPrivateKeyInfo(bytes(encrypted));
    expect(hex((await open(algorithm, data, 'password')).data)).toBe(clear);
    await expect(open(algorithm, data, 'passw0rd')).rejects.toMatchObject({ reason: 'password' });
  });
});
