import { expect, test } from 'vitest'
import { ID_WORDS, type PointColumns } from '../../../src/core/point.js'
import { decodeRecord, encodeRecord, type LogRecord } from '../../../src/log/record.js'
import { crc32c } from '../../../src/native/checksum.js'
import fc from '../../oracle/properties.js'
import { crc32cReference } from './crc32c-reference.js'
import { anyRecord } from './records.js'

const bodyOf = (record: LogRecord) => Buffer.concat(encodeRecord(record).chunks)

test('every record is decoded as it was encoded', () => {
  fc.assert(
    fc.property(anyRecord(), (record) => {
      const { chunks, bytes } = encodeRecord(record)
      const body = Buffer.concat(chunks)
      expect(body.length).toBe(bytes)
      expect(decodeRecord(body)).toEqual(record)
    }),
    { numRuns: 500 },
  )
})

test('a body that lies at an odd address decodes to aligned arrays', () => {
  const columns: PointColumns = {
    count: 1,
    ids: Uint32Array.of(0, 7, 0, 0, 0),
    vectors: [{ name: '', data: Float32Array.of(1.5, -2.5), rows: null }],
    payloads: null,
  }
  const body = bodyOf({ op: 'upsert', columns })
  for (let shift = 0; shift < 4; shift++) {
    const room = Buffer.alloc(body.length + shift)
    room.set(body, shift)
    expect(decodeRecord(room.subarray(shift))).toEqual({ op: 'upsert', columns })
  }
})

test('a large column is written from its own buffer', () => {
  const data = new Float32Array(1_000_000)
  const columns: PointColumns = {
    count: 1000,
    ids: new Uint32Array(1000 * ID_WORDS),
    vectors: [{ name: '', data, rows: null }],
    payloads: null,
  }
  expect(encodeRecord({ op: 'upsert', columns }).chunks.some((chunk) => chunk.buffer === data.buffer)).toBe(true)
})

test('a body cut short or with any byte changed is a record or CORRUPT, never another error', () => {
  fc.assert(
    fc.property(anyRecord(), fc.nat(), fc.integer({ min: 1, max: 255 }), (record, place, change) => {
      const body = bodyOf(record)
      const changed = Buffer.from(body)
      changed[place % body.length] = (changed[place % body.length] as number) ^ change
      for (const damaged of [body.subarray(0, place % body.length), changed]) {
        try {
          decodeRecord(damaged)
        } catch (error) {
          expect(error).toMatchObject({ code: 'CORRUPT' })
        }
      }
    }),
    { numRuns: 500 },
  )
})

test('a false length is refused before anything is allocated for it', () => {
  const claims4GiB = Buffer.from([0x81, 0xa2, 0x6f, 0x70, 0xc6, 0xff, 0xff, 0xff, 0xff])
  const claimsArray = Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff, 0xc0])
  const nested = Buffer.alloc(100_000, 0x91)
  for (const body of [claims4GiB, claimsArray, nested, Buffer.alloc(0)]) {
    expect(() => decodeRecord(body)).toThrow(expect.objectContaining({ code: 'CORRUPT' }))
  }
})

test('an unknown operation is CORRUPT and named', () => {
  const body = Buffer.concat([
    Buffer.from([0x82, 0xa2]),
    Buffer.from('op'),
    Buffer.from([0xa5]),
    Buffer.from('mince'),
    Buffer.from([0xa3]),
    Buffer.from('ids'),
    Buffer.from([0xc4, 0]),
  ])
  expect(() => decodeRecord(body)).toThrow(/unknown operation "mince"/)
})

test("the kernel's checksum is the CRC-32C of the textbook", () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 5000 }),
      fc.nat({ max: 0xffff_ffff }),
      fc.nat({ max: 7 }),
      (data, seed, shift) => {
        const part = data.subarray(shift)
        expect(crc32c(part, seed)).toBe(crc32cReference(part, seed))
      },
    ),
  )
})
