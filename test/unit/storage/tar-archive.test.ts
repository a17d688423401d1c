import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Header, type HeaderData } from 'tar'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Disk } from '../../../src/disk/disk.js'
import { isSnapshotFile } from '../../../src/storage/snapshot-index.js'
import { readArchive, saveBytes, writeArchive } from '../../../src/storage/tar-archive.js'
import fc from '../../oracle/properties.js'

let root: string
let disk: Disk
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vicinal-tar-'))
  disk = new Disk(root)
})
afterEach(() => rmSync(root, { recursive: true }))

const END = Buffer.alloc(1024)

function entry(header: HeaderData, content = ''): Buffer {
  const made = new Header({ mode: 0o600, size: content.length, type: 'File', ...header })
  made.encode()
  const bytes = Buffer.from(content)
  return Buffer.concat([made.block as Buffer, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)])
}

/** The block with changed header bytes and a corrected checksum. */
function patched(block: Buffer, patch: (header: Buffer) => void): Buffer {
  const copy = Buffer.from(block)
  patch(copy)
  copy.fill(' ', 148, 156)
  const sum = copy.subarray(0, 512).reduce((total, byte) => total + byte, 0)
  copy.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return copy
}

async function unpack(...parts: Buffer[]): Promise<Map<string, number>> {
  writeFileSync(join(root, 'archive'), Buffer.concat(parts))
  rmSync(join(root, 'unpacked'), { recursive: true, force: true })
  return await readArchive(disk, 'archive', 'unpacked', isSnapshotFile)
}

const FINE = () => entry({ path: '0/manifest' }, 'fine')
const TABLE = (name: string) => entry({ path: `0/table.lance/${name}` }, 'fine')

describe('an archive', () => {
  it('returns the files it was made of, of any length', async () => {
    const names = [
      'snapshot',
      '0/manifest',
      '0/log/00000000000000000001.vlog',
      '0/table.lance/data/a-1.lance',
      '17/sums/3.sums',
    ]
    const lengths = [0, 1, 511, 512, 3_000_000]
    for (const [i, name] of names.entries()) {
      mkdirSync(join(root, 'from', name, '..'), { recursive: true })
      writeFileSync(join(root, 'from', name), Buffer.alloc(lengths[i] as number, i + 1))
    }
    const { bytes } = await writeArchive(disk, 'from', names, 'archive')
    expect(readFileSync(join(root, 'archive')).length).toBe(bytes)
    const found = await readArchive(disk, 'archive', 'to', isSnapshotFile)
    expect([...found]).toEqual(names.map((name, i) => [name, lengths[i]]))
    // Not by toEqual, which takes long for megabytes.
    for (const name of names)
      expect(readFileSync(join(root, 'to', name)).equals(readFileSync(join(root, 'from', name))), name).toBe(true)
  })

  it.each<[what: string, message: RegExp, parts: () => Buffer[]]>([
    [
      'a symbolic link',
      /regular files/,
      () => [entry({ path: '0/manifest', type: 'SymbolicLink', linkpath: '/etc/passwd' })],
    ],
    ['a hard link', /regular files/, () => [entry({ path: '0/manifest', type: 'Link', linkpath: '0/log' })]],
    ['a file with a link’s target', /regular files/, () => [entry({ path: '0/manifest', linkpath: '/etc/passwd' })]],
    ['a folder', /regular files/, () => [entry({ path: '0/', type: 'Directory' })]],
    ['a character device', /regular files/, () => [entry({ path: '0/manifest', type: 'CharacterDevice' })]],
    ['a block device', /regular files/, () => [entry({ path: '0/manifest', type: 'BlockDevice' })]],
    ['a pipe', /regular files/, () => [entry({ path: '0/manifest', type: 'FIFO' })]],
    ['a sparse file', /regular files/, () => [patched(FINE(), (header) => header.write('S', 156))]],
    [
      'a long name in an entry before',
      /regular files/,
      () => [entry({ path: 'x', type: 'NextFileHasLongPath' }, '../x')],
    ],
    ['an extended header', /regular files/, () => [entry({ path: 'x', type: 'ExtendedHeader' }, '12 path=../x\n')]],
    ['a name that leads up', /such a name/, () => [entry({ path: '../manifest' })]],
    ['a name that leads up within', /such a name/, () => [entry({ path: '0/segments/../../../x.vseg' })]],
    ['dots for a name', /such a name/, () => [entry({ path: '0/table.lance/..' })]],
    ['a name of dots within a name', /such a name/, () => [entry({ path: '0/table.lance/a..b/c' })]],
    ['an absolute name', /such a name/, () => [entry({ path: '/etc/passwd' })]],
    ['a name with a backslash', /such a name/, () => [entry({ path: '0\\manifest' })]],
    ['a hidden name', /such a name/, () => [entry({ path: '0/table.lance/.x' })]],
    ['a file of no snapshot', /such a name/, () => [entry({ path: '0/vicinal.lock' })]],
    ['a file twice', /once/, () => [FINE(), FINE()]],
    ['a file where tables have a folder', /such a name/, () => [TABLE('data')]],
    ['a folder where tables have a file', /such a name/, () => [TABLE('data/a.lance/b')]],
    ['a size beyond the archive', /ends before/, () => [entry({ path: '0/manifest', size: 1 << 30 })]],
    [
      'a size of 2^62',
      /ends before|no tar/,
      () => [patched(FINE(), (header) => header.writeBigUInt64BE((1n << 63n) | (1n << 62n), 128))],
    ],
    ['a negative size', /ends before|no tar/, () => [patched(FINE(), (header) => header.fill(0xff, 124, 136))]],
    [
      'a header of another checksum',
      /no tar/,
      () => [Buffer.from(FINE().map((byte, i) => (i === 0 ? byte ^ 1 : byte)))],
    ],
    ['text', /no tar/, () => [Buffer.alloc(2048, 'text')]],
    ['something behind its end', /after the end/, () => [FINE(), END, Buffer.from('more')]],
  ])('with %s is refused, and nothing is written outside', async (_what, message, parts) => {
    await expect(unpack(...parts(), END)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    })
    const outside = readdirSync(root).filter((name) => name !== 'archive' && name !== 'unpacked')
    expect(outside).toEqual([])
    expect(existsSync(join(root, '..', 'manifest'))).toBe(false)
  })

  it('without its end mark, or cut anywhere, is refused', async () => {
    const whole = Buffer.concat([FINE(), entry({ path: 'snapshot' }, 'x'.repeat(700))])
    for (let bytes = 0; bytes < whole.length; bytes += 100) {
      await expect(unpack(whole.subarray(0, bytes)), `${bytes} bytes`).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      })
    }
    await expect(unpack(whole)).rejects.toMatchObject({ message: expect.stringContaining('end mark') })
    expect((await unpack(whole, END)).size).toBe(2)
    expect((await unpack(whole, END, Buffer.alloc(9_000))).size).toBe(2)
  })

  it('is unpacked into a folder of its own, which can contain no link', async () => {
    writeFileSync(join(root, 'archive'), Buffer.concat([FINE(), END]))
    mkdirSync(join(root, 'elsewhere'))
    mkdirSync(join(root, 'there'))
    symlinkSync(join(root, 'elsewhere'), join(root, 'there', '0'))
    symlinkSync(join(root, 'elsewhere'), join(root, 'link'))
    for (const folder of ['there', 'link']) {
      await expect(readArchive(disk, 'archive', folder, isSnapshotFile)).rejects.toMatchObject({
        code: 'ALREADY_EXISTS',
      })
    }
    expect(readdirSync(join(root, 'elsewhere'))).toEqual([])
  })

  it('of any bytes is refused or read, and never leads outside', async () => {
    const header = fc.record({
      path: fc.oneof(
        fc.constantFrom('../x', '/x', '0/manifest', 'snapshot', '0/log/../../../y'),
        fc.string({ maxLength: 90 }),
      ),
      type: fc.constantFrom('File', 'OldFile', 'Link', 'SymbolicLink', 'Directory', 'FIFO'),
      size: fc.oneof(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 0, max: 2 ** 40 })),
    })
    const part = fc.oneof(
      header.map((one) => entry(one as HeaderData, 'x'.repeat(Math.min(one.size, 600)))),
      fc.uint8Array({ maxLength: 1024 }).map((bytes) => Buffer.from(bytes)),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 4 }), async (parts) => {
        await unpack(...parts, END).catch((error) => expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' }))
        expect(readdirSync(root).every((name) => name === 'archive' || name === 'unpacked')).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  it('that comes in pieces is bounded while it comes', async () => {
    let sent = 0
    async function* endless() {
      for (;;) {
        sent += 1000
        yield new Uint8Array(1000)
      }
    }
    await expect(saveBytes(disk, endless(), 'archive', 50_000)).rejects.toMatchObject({ code: 'TOO_LARGE' })
    expect(sent).toBeLessThanOrEqual(52_000)
  })
})
