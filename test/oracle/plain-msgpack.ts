/**
 * Decodes MessagePack by the wire's rules, simply and value by value. Nesting is bounded, declared lengths are limited
 * by the remaining bytes, extension types are refused, and no key can reach a prototype.
 */
import { invalid } from '../../src/core/errors.js'
import { LIMITS } from '../../src/core/limits.js'

const REPLACEMENT = '\ufffd'

export function plainMsgpack(bytes: Buffer, field = 'body'): unknown {
  const decoder = new Decoder(bytes, field)
  const value = decoder.value(0)
  decoder.end()
  return value
}

class Decoder {
  readonly #bytes: Buffer
  readonly #field: string
  #at = 0

  constructor(bytes: Buffer, field: string) {
    this.#bytes = bytes
    this.#field = field
  }

  end(): void {
    if (this.#at !== this.#bytes.length) throw this.#malformed('expected the end')
  }

  value(depth: number): unknown {
    const byte = this.#bytes[this.#take(1)] as number
    if (byte < 0x80) return byte
    if (byte >= 0xe0) return byte - 0x100
    if (byte < 0x90) return this.#map(byte & 0x0f, depth)
    if (byte < 0xa0) return this.#array(byte & 0x0f, depth)
    if (byte < 0xc0) return this.#text(byte & 0x1f)
    return this.#tagged(byte, depth)
  }

  #tagged(byte: number, depth: number): unknown {
    const bytes = this.#bytes
    switch (byte) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xc4:
        return this.#bin(this.#uint(1))
      case 0xc5:
        return this.#bin(this.#uint(2))
      case 0xc6:
        return this.#bin(this.#uint(4))
      case 0xca:
        return bytes.readFloatBE(this.#take(4))
      case 0xcb:
        return bytes.readDoubleBE(this.#take(8))
      case 0xcc:
        return this.#uint(1)
      case 0xcd:
        return this.#uint(2)
      case 0xce:
        return this.#uint(4)
      case 0xcf:
        return narrow(bytes.readBigUInt64BE(this.#take(8)))
      case 0xd0:
        return bytes.readInt8(this.#take(1))
      case 0xd1:
        return bytes.readInt16BE(this.#take(2))
      case 0xd2:
        return bytes.readInt32BE(this.#take(4))
      case 0xd3:
        return narrow(bytes.readBigInt64BE(this.#take(8)))
      case 0xd9:
        return this.#text(this.#uint(1))
      case 0xda:
        return this.#text(this.#uint(2))
      case 0xdb:
        return this.#text(this.#uint(4))
      case 0xdc:
        return this.#array(this.#uint(2), depth)
      case 0xdd:
        return this.#array(this.#uint(4), depth)
      case 0xde:
        return this.#map(this.#uint(2), depth)
      case 0xdf:
        return this.#map(this.#uint(4), depth)
      default:
        throw this.#malformed('expected no extension types')
    }
  }

  #map(count: number, depth: number): Record<string, unknown> {
    this.#enter(depth, count * 2)
    const map: Record<string, unknown> = {}
    for (let i = 0; i < count; i++) {
      const key = this.value(depth + 1)
      if (typeof key !== 'string') throw this.#malformed('expected keys that are texts')
      const value = this.value(depth + 1)
      if (key === '__proto__') defineOwn(map, key, value)
      else map[key] = value
    }
    return map
  }

  #array(count: number, depth: number): unknown[] {
    this.#enter(depth, count)
    const array: unknown[] = []
    for (let i = 0; i < count; i++) array.push(this.value(depth + 1))
    return array
  }

  #text(length: number): string {
    const start = this.#take(length)
    const text = this.#bytes.toString('utf8', start, start + length)
    // Decoding replaces invalid UTF-8. Only if a replacement appears must it be told from one that was sent.
    if (text.includes(REPLACEMENT) && !Buffer.from(text).equals(this.#bytes.subarray(start, start + length))) {
      throw this.#malformed('expected texts in UTF-8')
    }
    return text
  }

  #bin(length: number): Buffer {
    const start = this.#take(length)
    return this.#bytes.subarray(start, start + length)
  }

  #uint(size: 1 | 2 | 4): number {
    return this.#bytes.readUIntBE(this.#take(size), size)
  }

  #take(length: number): number {
    const start = this.#at
    if (length > this.#bytes.length - start) throw this.#malformed('it ends inside a value')
    this.#at = start + length
    return start
  }

  #enter(depth: number, elements: number): void {
    if (depth >= LIMITS.jsonDepth) {
      throw invalid(this.#field, `expected at most ${LIMITS.jsonDepth} nested levels`)
    }
    // Every element takes at least one byte.
    if (elements > this.#bytes.length - this.#at) throw this.#malformed('it ends inside a value')
  }

  #malformed(what: string): Error {
    return invalid(this.#field, `malformed MessagePack at byte ${this.#at}: ${what}`)
  }
}

function narrow(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

function defineOwn(map: object, key: string, value: unknown): void {
  Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true })
}
