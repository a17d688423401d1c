/** Checks the rules of a collection against its vectors, and gives each rule its name. */
import { describeValue, invalid, noSuchVector } from '../../core/errors.js'
import { FIXES_OF, INVALID, type IngestionConfig, type IngestionRule, SETTINGS_OF } from '../../core/ingestion-rules.js'
import { LIMITS } from '../../core/limits.js'
import { checkCollectionName } from '../../core/names.js'
import { type CollectionConfig, isSparse, type SchemaVector } from '../../core/schema.js'
import { parsePath } from '../../filter/path.js'
import { widestWindow } from '../../ingest/recent-rows.js'
import { MOST_OF_DATATYPE } from '../../ingest/vector-facts.js'

const SETTINGS = [...new Set(Object.values(SETTINGS_OF).flat())]
/** A vector that these checks find cannot be stored, so a flag cannot tell of it. */
const UNSTORABLE: ReadonlySet<string> = new Set(['finite', 'dimension'])
const OF_VALUES = ['type', 'required', 'enum', 'min', 'max'] as const
const UNIT = 1

/** null removes the rules, undefined keeps those before. */
export function resolveIngestion(
  given: IngestionConfig | null | undefined,
  vectors: readonly SchemaVector[],
  before?: IngestionConfig,
): Pick<CollectionConfig, 'ingestion'> {
  if (given === undefined) return before ? { ingestion: before } : {}
  if (given === null) return {}
  if (given.quarantine !== undefined) checkCollectionName(given.quarantine, 'ingestion.quarantine')
  const rules: IngestionRule[] = []
  for (const [at, rule] of given.rules.entries()) {
    const field = `ingestion.rules[${at}]`
    checkSettings(rule, field)
    checkAction(rule, given, field)
    checkVector(rule, vectors, field)
    rules.push({ ...rule, name: nameOf(rule, rules, field) })
  }
  checkWithVectors(rules, vectors)
  return { ingestion: { ...given, rules } }
}

/** Checks the facts that rules without a vector depend on: also when the collection gets another vector. */
export function checkWithVectors(rules: readonly IngestionRule[], vectors: readonly SchemaVector[]): void {
  checkWindows(rules, vectors)
  for (const [at, rule] of rules.entries()) checkClamp(rule, vectors, `ingestion.rules[${at}]`)
}

/** A vector of one component that is clamped to `min` has it as that component. */
function checkClamp({ check, fix, vector, min = 0 }: IngestionRule, vectors: readonly SchemaVector[], field: string) {
  if (check !== 'norm' || fix !== 'clamp') return
  for (const known of vectors) {
    if (vector !== undefined && vector !== known.name) continue
    const datatype = (isSparse(known) ? undefined : known.datatype) ?? 'float32'
    const most = MOST_OF_DATATYPE[datatype]
    if (min > most) throw invalid(`${field}.min`, `expected at most ${most}, since ${datatype} holds no more`, min)
  }
}

/** Throws where the quarantine of a collection's rules is the collection itself. */
export function checkQuarantine(name: string, { ingestion }: Pick<CollectionConfig, 'ingestion'>): void {
  if (ingestion?.quarantine !== name) return
  throw invalid('ingestion.quarantine', 'expected the name of another collection than that of the rules', name)
}

function checkSettings(rule: IngestionRule, field: string): void {
  const { check, min, max } = rule
  const own = SETTINGS_OF[check]
  for (const name of SETTINGS) {
    if (rule[name] === undefined || own.includes(name)) continue
    throw invalid(`${field}.${name}`, `expected none, since the check ${check} has no such setting`, rule[name])
  }
  if (min !== undefined && max !== undefined && min > max) {
    throw invalid(`${field}.min`, `expected a number of at most max, which is ${max}`, min)
  }
  if (check === 'norm') {
    if (min === undefined && max === undefined) throw invalid(field, 'expected min or max for the check norm')
    for (const name of ['min', 'max'] as const) {
      if ((rule[name] ?? 0) < 0) throw invalid(`${field}.${name}`, 'expected a number of at least 0', rule[name])
    }
  }
  if (check === 'near_duplicate' && rule.threshold === undefined) {
    throw invalid(`${field}.threshold`, 'expected a number for the check near_duplicate', null)
  }
  if (check === 'payload') checkPayload(rule, field)
}

function checkPayload(rule: IngestionRule, field: string): void {
  if (rule.key === undefined) throw invalid(`${field}.key`, 'expected the path of a value for the check payload', null)
  parsePath(rule.key, `${field}.key`)
  if (OF_VALUES.every((name) => rule[name] === undefined)) {
    throw invalid(field, `expected at least one of ${OF_VALUES.join(', ')} for the check payload`)
  }
}

function checkAction(rule: IngestionRule, { quarantine }: IngestionConfig, field: string): void {
  const { check, action, fix } = rule
  const fixes = FIXES_OF[check]
  if (action === 'quarantine' && quarantine === undefined) {
    throw invalid(
      'ingestion.quarantine',
      `expected the name of a collection, since ${field}.action is quarantine`,
      null,
    )
  }
  if (action === 'flag' && UNSTORABLE.has(check)) {
    const why = `a vector that breaks the check ${check} cannot be stored`
    throw invalid(`${field}.action`, `expected reject, quarantine or fix, since ${why}`, action)
  }
  if (action !== 'fix') {
    if (fix !== undefined) throw invalid(`${field}.fix`, 'expected none, since action is not fix', fix)
    return
  }
  if (fixes.length === 0) {
    throw invalid(`${field}.action`, `expected reject, quarantine or flag, since the check ${check} has no fix`, action)
  }
  if (fix === undefined || !fixes.includes(fix)) {
    throw invalid(`${field}.fix`, `expected ${fixes.join(' or ')} for the check ${check}`, fix ?? null)
  }
  checkFix(rule, field)
}

/** A fix must lead to a point that the rule holds for. */
function checkFix({ check, fix, min, max }: IngestionRule, field: string): void {
  if (fix === 'normalise' && ((min ?? 0) > UNIT || (max ?? UNIT) < UNIT)) {
    throw invalid(`${field}.fix`, `expected clamp or drop, since the norm ${UNIT} is not within min and max`, fix)
  }
  if (check === 'payload' && fix === 'clamp' && min === undefined && max === undefined) {
    throw invalid(`${field}.fix`, 'expected min or max beside it, to which values are clamped', fix)
  }
}

function checkVector({ check, vector }: IngestionRule, vectors: readonly SchemaVector[], field: string): void {
  if (check === 'payload') {
    if (vector !== undefined) throw invalid(`${field}.vector`, 'expected none for the check payload', vector)
    return
  }
  if (vector === undefined) return
  const known = vectors.find(({ name }) => name === vector)
  if (!known) throw noSuchVector(`${field}.vector`, vector || '(unnamed)')
  const isOdd = check === 'dimension' ? isSparse(known) : check === 'near_duplicate' && !isSearchable(known)
  if (isOdd) throw invalid(`${field}.vector`, `expected a vector that the check ${check} is for`, vector)
}

/** Rows are kept for each vector that a rule compares, in the widest of its windows. */
function checkWindows(rules: readonly IngestionRule[], vectors: readonly SchemaVector[]): void {
  const rows = (count: number) => {
    const some = rules.slice(0, count)
    return vectors.reduce((sum, { name }) => sum + widestWindow(some, name), 0)
  }
  if (rows(rules.length) <= LIMITS.keptWindowRows) return
  const at = rules.findIndex((_, before) => rows(before + 1) > LIMITS.keptWindowRows)
  const expected = `expected windows of at most ${LIMITS.keptWindowRows} rows in all, over ${vectors.length} vectors`
  throw invalid(`ingestion.rules[${at}].window`, expected, rows(at + 1))
}

/** Whether near duplicates are looked for among vectors of this kind: dense ones, one of each point. */
export function isSearchable(vector: SchemaVector): boolean {
  return !isSparse(vector) && vector.multivectorConfig === undefined
}

function nameOf(rule: IngestionRule, before: readonly IngestionRule[], field: string): string {
  const { check, vector, key } = rule
  const subject = vector || key
  const name = rule.name ?? (subject === undefined || subject === '' ? check : `${subject}.${check}`)
  const same = before.findIndex((other) => other.name === name)
  if (same >= 0) {
    const told = describeValue(name)
    throw invalid(`${field}.name`, `expected a name of its own, since ingestion.rules[${same}] is named ${told} too`)
  }
  if (name === INVALID) throw invalid(`${field}.name`, `expected another name than ${INVALID}, which counts other rows`)
  return name
}
