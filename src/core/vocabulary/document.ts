/** Declarations as schemas of an OpenAPI 3.1 document, in the wire's spelling. */
import Type, { type TSchema } from 'typebox'
import { resolved, type Words } from './declare.js'
import { inWireWords, snakeCase } from './spelling.js'

/** Named schemas, which become `components.schemas` of the document. */
export type Components = Map<string, object>

const PASSED_ON = [
  'type',
  'description',
  'default',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
]

/** The schema of a body; a declaration with a name (`$id`) becomes a component and is referred to. */
export function describe(declared: TSchema, components: Components): object {
  const schema = resolved(declared)
  const { $id: name } = schema as { $id?: string }
  if (name === undefined) return described(schema, components)
  // Set before its content is described, since a declaration may hold itself.
  if (!components.has(name)) {
    components.set(name, {})
    components.set(name, described(schema, components))
  }
  return { $ref: `#/components/schemas/${name}` }
}

function described(schema: TSchema, components: Components): object {
  const { nested, isOneOrMany } = schema as Words
  if (nested) return describe(nested.of(), components)
  if (isOneOrMany) {
    const { items, description } = schema as unknown as { items: TSchema; description: string }
    const item = describe(items, components)
    return { description: inWireWords(description), anyOf: [item, { type: 'array', items: item }] }
  }
  const words = schema as unknown as Record<string, unknown>
  const told = Object.fromEntries(PASSED_ON.filter((word) => word in words).map((word) => [word, words[word]]))
  if (told.maximum === Number.MAX_SAFE_INTEGER) delete told.maximum
  if (typeof told.description === 'string') told.description = inWireWords(told.description)
  if (words.as !== undefined) return { ...describe(words.as as TSchema, components), ...told }
  if (Type.IsObject(schema)) {
    const properties = Object.entries(schema.properties)
    const required = properties.filter(([, property]) => !Type.IsOptional(property)).map(([key]) => snakeCase(key))
    return {
      ...told,
      properties: Object.fromEntries(
        properties.map(([key, property]) => [snakeCase(key), describe(property, components)]),
      ),
      ...(required.length > 0 ? { required } : {}),
    }
  }
  if (Type.IsRecord(schema)) {
    const [values] = Object.values(schema.patternProperties) as [TSchema]
    return { ...told, additionalProperties: describe(values, components) }
  }
  if (Type.IsArray(schema))
    return { ...told, items: describe((schema as unknown as { items: TSchema }).items, components) }
  if (Type.IsUnion(schema)) return { ...told, anyOf: schema.anyOf.map((one) => describe(one, components)) }
  if (Type.IsEnum(schema)) return { ...told, type: 'string', enum: schema.enum }
  if (Type.IsLiteral(schema)) return { ...told, type: 'string', enum: [schema.const] }
  return told
}
