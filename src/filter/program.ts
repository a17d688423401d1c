import type { Filter } from '../core/filter.js'
import { ByteWriter } from './byte-writer.js'
import { type Bounds, type FilterNode, type GeoArea, type MatchValues, NOTHING } from './node.js'
import { type FilterContext, parseFilter } from './parse.js'
import type { PathStep } from './path.js'
import { inTurns, type Pause } from './pause.js'

/*
 * The filter program: a filter as bytes for the kernel, decoded by native/filter/program.cpp. Little-endian, not
 * aligned. A program is one node; a node is an opcode byte and its operands:
 *
 *    1 and      u32 n, n nodes              9 isEmpty    path   all values are null or []
 *    2 or       u32 n, n nodes             10 isNull     path   a value is null
 *    3 not      node                       11 hasId      u32 n, n × 5 u32
 *    4 atLeast  u32 count, u32 n, n nodes  12 except     path, values
 *    5 match    path, values               13 hasVector  u32 index
 *    6 range    path, bounds of f64        14 nested     path, node
 *    7 dateRange  path, bounds of i64      15 hasNull    path   a value is null or an array with a null
 *    8 count    path, bounds of f64       16 contains   path, texts   made of text by the decoder
 *   17 startsWith path, texts             18 geo        path, area
 *   19 slice    u32 total, u32 index     20 text     path, u8 mode (0 all, 1 any, 2 phrase), text: tokens where the field
 *                                                  has a text index, else parts of texts
 *
 *   path    u8 n, n steps: u8 0 and text (key), 1 (every element), 2 and u32 (index)
 *   values  u32 n and n texts, u32 n and n × i64, u8 (bit 0: false, bit 1: true)
 *   texts   u32 n and n texts
 *   area    u8 0 (box) and f64 left, top, right, bottom; 1 (circle) and f64 lon, lat, metres; 2 (polygon), u32 n and n
 *           rings, each u32 n and n × f64 lon, f64 lat; the first ring is the exterior
 *   text    u32 bytes, UTF-8
 *   bounds  u8 mask (bit 0 lt, 1 lte, 2 gt, 3 gte), then a value for each bit; i64 are microseconds since 1970
 */
const OPCODES = {
  and: 1,
  or: 2,
  not: 3,
  atLeast: 4,
  match: 5,
  range: 6,
  dateRange: 7,
  count: 8,
  isEmpty: 9,
  isNull: 10,
  hasId: 11,
  except: 12,
  hasVector: 13,
  nested: 14,
  hasNull: 15,
  startsWith: 17,
  geo: 18,
  slice: 19,
  text: 20,
} as const satisfies Record<FilterNode['op'], number>

const STEP_KINDS = { key: 0, all: 1, index: 2 } as const
const SHAPES = { box: 0, circle: 1, polygon: 2 } as const
const TEXT_MODES = { all: 0, any: 1, phrase: 2 } as const

/** The program of an untrusted filter; null if it matches everything. Throws INVALID_ARGUMENT. */
export function compileFilter(filter: Filter | unknown, context: FilterContext): Uint8Array | null {
  const node = parseFilter(filter, context)
  return node === null ? null : compileNode(node)
}

/** Programs of large filters that were read before (parse-in-turns.ts). */
const programsWritten = new WeakMap<FilterNode, Uint8Array>()

/** Writes the program in turns of the event loop. `compileNode` then finds it already written. */
export async function compileInTurns(node: FilterNode, pause: Pause): Promise<void> {
  const writer = new ByteWriter()
  await writeLong(writer, node, pause)
  programsWritten.set(node, writer.finish())
}

async function writeLong(writer: ByteWriter, node: FilterNode, pause: Pause): Promise<void> {
  if (!('children' in node)) return writeNode(writer, node)
  writer.u8(OPCODES[node.op])
  if (node.op === 'atLeast') writer.u32(node.count)
  writer.u32(node.children.length)
  await inTurns(node.children, pause, (child) =>
    'children' in child ? writeLong(writer, child, pause) : writeNode(writer, child),
  )
}

/** The program of a parsed filter. */
export function compileNode(node: FilterNode): Uint8Array {
  const known = programsWritten.get(node)
  if (known) return known
  const writer = new ByteWriter()
  writeNode(writer, node)
  return writer.finish()
}

/**
 * Compiles a filter that is applied to given points. The returned function makes the program that selects matching ids.
 */
export function compileFilterAmong(
  filter: Filter | unknown,
  context: FilterContext,
  field: string,
): ((ids: Uint32Array) => Uint8Array) | null {
  const node = parseFilter(filter, context, field)
  if (node === null) return null
  return (ids) => {
    const writer = new ByteWriter()
    writeNode(writer, { op: 'and', children: [{ op: 'hasId', ids }, node] })
    return writer.finish()
  }
}

function writeNode(writer: ByteWriter, given: FilterNode): void {
  // No point has a vector that the collection lacks.
  const node = given.op === 'hasVector' && given.vector < 0 ? NOTHING : given
  writer.u8(OPCODES[node.op])
  switch (node.op) {
    case 'atLeast':
      writer.u32(node.count)
      writeNodes(writer, node.children)
      break
    case 'and':
    case 'or':
      writeNodes(writer, node.children)
      break
    case 'not':
      writeNode(writer, node.child)
      break
    case 'hasId':
      writer.words(node.ids)
      break
    case 'hasVector':
      writer.u32(node.vector)
      break
    case 'slice':
      writer.u32(node.total)
      writer.u32(node.index)
      break
    default:
      writePath(writer, node.path)
      writeOperands(writer, node)
  }
}

/** Writes the operands after the path. */
function writeOperands(writer: ByteWriter, node: Extract<FilterNode, { path: unknown }>): void {
  if ('values' in node) writeValues(writer, node.values)
  else if ('texts' in node) writeTexts(writer, node.texts)
  else if ('text' in node) {
    writer.u8(TEXT_MODES[node.mode])
    writer.text(node.text)
  } else if ('area' in node) writeArea(writer, node.area)
  else if ('bounds' in node) writeBounds(writer, node.bounds)
  else if ('child' in node) writeNode(writer, node.child)
}

function writeNodes(writer: ByteWriter, nodes: readonly FilterNode[]): void {
  writer.u32(nodes.length)
  for (const node of nodes) {
    const known = programsWritten.get(node)
    if (known) writer.bytes(known)
    else writeNode(writer, node)
  }
}

function writePath(writer: ByteWriter, path: readonly PathStep[]): void {
  writer.u8(path.length)
  for (const step of path) {
    writer.u8(STEP_KINDS[step.kind])
    if (step.kind === 'key') writer.text(step.key)
    if (step.kind === 'index') writer.u32(step.index)
  }
}

function writeValues(writer: ByteWriter, { texts, integers, booleans, bytes }: MatchValues): void {
  if (bytes) {
    writer.bytes(bytes)
    return
  }
  writeTexts(writer, texts)
  writer.u32(integers.length)
  for (const integer of integers) writer.i64(integer)
  writer.u8(booleansOf(booleans))
}

/** Writes the values of a long list in turns. Programs that contain the list then copy the bytes. */
export async function writeInTurns(values: MatchValues, pause: Pause): Promise<void> {
  const { texts, integers, booleans } = values
  const writer = new ByteWriter()
  writer.u32(texts.length)
  await inTurns(texts, pause, (text) => writer.text(text))
  writer.u32(integers.length)
  await inTurns(integers, pause, (integer) => writer.i64(integer))
  writer.u8(booleansOf(booleans))
  values.bytes = writer.finish()
}

function booleansOf(booleans: readonly boolean[]): number {
  return (booleans.includes(false) ? 1 : 0) | (booleans.includes(true) ? 2 : 0)
}

function writeTexts(writer: ByteWriter, texts: readonly string[]): void {
  writer.u32(texts.length)
  for (const text of texts) writer.text(text)
}

function writeArea(writer: ByteWriter, area: GeoArea): void {
  writer.u8(SHAPES[area.shape])
  switch (area.shape) {
    case 'box':
      writer.f64s(area.corners)
      break
    case 'circle':
      writer.f64s(area.center)
      writer.f64(area.radiusMetres)
      break
    case 'polygon':
      writer.u32(area.rings.length)
      for (const ring of area.rings) {
        writer.u32(ring.length / 2)
        writer.f64s(ring)
      }
  }
}

function writeBounds(writer: ByteWriter, { lt, lte, gt, gte }: Bounds): void {
  const bounds = [lt, lte, gt, gte]
  writer.u8(bounds.reduce<number>((mask, bound, bit) => mask | (bound === null ? 0 : 1 << bit), 0))
  for (const bound of bounds) {
    if (typeof bound === 'bigint') writer.i64(bound)
    else if (bound !== null) writer.f64(bound)
  }
}
