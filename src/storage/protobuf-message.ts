import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'

/**
 * Reads protobuf messages by a list of allowed fields. A field outside the list is refused, and so is a repeated field
 * where one is expected. A lenient reader would skip fields that another reader follows.
 */

/** `opaque`: allowed in any encoding, and not read. A shape: a nested message. */
type Kind = 'whole' | 'text' | 'opaque' | Shape
interface Field {
  name: string
  kind: Kind
  many: boolean
}
export type Shape = Readonly<Record<number, Field>>

export function one(name: string, kind: Kind): Field {
  return { name, kind, many: false }
}
/** A field that may be repeated. */
export function many(name: string, kind: Kind): Field {
  return { name, kind, many: true }
}

/**
 * Fields by name. Opaque fields are left out. Absent fields are left out too, except repeated messages, which are
 * empty.
 */
export interface Message {
  [name: string]: bigint | string | Message | Message[] | undefined
}

/** Throws an Error whose message names the unexpected field. */
export function readMessage(bytes: Uint8Array, shape: Shape, path: string): Message {
  const reader = new BinaryReader(bytes)
  const message: Message = {}
  const seen = new Set<number>()
  for (const { name, kind, many } of Object.values(shape)) if (many && typeof kind === 'object') message[name] = []
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag()
    const field = Object.hasOwn(shape, number) ? shape[number] : undefined
    if (field === undefined) throw new Error(`${path}: field ${number} is not expected`)
    const { name, kind, many } = field
    if (!many && seen.has(number)) throw new Error(`${path}.${name}: expected it once`)
    seen.add(number)
    if (kind === 'opaque') {
      if (wireType === WireType.StartGroup) throw new Error(`${path}.${name}: groups are not expected`)
      reader.skip(wireType)
      continue
    }
    if (wireType !== (kind === 'whole' ? WireType.Varint : WireType.LengthDelimited))
      throw new Error(`${path}.${name}: expected another encoding than ${wireType}`)
    if (kind === 'whole') message[name] = BigInt(reader.uint64())
    else if (kind === 'text') message[name] = reader.string(true)
    else {
      const inner = readMessage(reader.bytes(), kind, `${path}.${name}`)
      if (many) (message[name] as Message[]).push(inner)
      else message[name] = inner
    }
  }
  return message
}
