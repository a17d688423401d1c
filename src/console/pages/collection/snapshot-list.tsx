import { useState } from 'preact/hooks'
import { ErrorLine, Section } from '../../parts/basics'
import { Confirm } from '../../parts/confirm'
import { MayRead } from '../../parts/may'
import { saveAs } from '../../parts/save'
import { bytes } from '../../parts/words'
import { useAsked } from '../../service/polled'
import { useMay } from '../../service/rights'
import { ask, askPlain } from '../../service/session'

interface Snapshot {
  name: string
  creation_time: string | null
  size: number
}

/** The archive that a restore sends: a file of the user, or a snapshot that the service has. */
interface Source {
  name: string
  size: number
  read(): Promise<Blob>
}

interface Parts {
  path: string
  name: string
}

/** Makes, downloads, restores and deletes snapshots. */
export function SnapshotList({ path, name }: Parts) {
  const mayMake = useMay('extras', name)
  const [made, setMade] = useState(0)
  const [isBusy, setIsBusy] = useState(false)
  const [error, setError] = useState<Error | null>(null)
  const make = async () => {
    setIsBusy(true)
    try {
      await ask('POST', `${path}/snapshots`)
      setError(null)
      setMade(made + 1)
    } catch (failure) {
      setError(failure as Error)
    }
    setIsBusy(false)
  }
  const button = (
    <button type="button" hidden={!mayMake} disabled={isBusy} onClick={() => void make()}>
      Make one
    </button>
  )
  return (
    <Section title="Snapshots" beside={button}>
      <ErrorLine error={error} />
      <MayRead what="extras" of={name} otherwise="These rights do not list snapshots.">
        <Snapshots path={path} name={name} made={made} />
      </MayRead>
    </Section>
  )
}

/** `made` counts snapshots that were made here: the list is asked for again. */
function Snapshots({ path, name, made }: Parts & { made: number }) {
  const listed = useAsked((signal) => ask<Snapshot[]>('GET', `${path}/snapshots`, undefined, signal), [path, made])
  const [error, setError] = useState<Error | null>(null)
  const mayMake = useMay('extras', name)
  const mayTake = useMay('all', name)
  const [deleted, setDeleted] = useState<string | null>(null)
  const [source, setSource] = useState<Source | null>(null)
  // A link could not send the key, so the file passes through the page.
  const archive = async (file: string) => await (await askPlain(`${path}/snapshots/${file}`)).blob()
  const save = async (file: string) => {
    try {
      saveAs(await archive(file), file)
      setError(null)
    } catch (failure) {
      setError(failure as Error)
    }
  }
  return (
    <>
      <ErrorLine error={error ?? listed.error} />
      <ul class="results">
        {listed.value?.map(({ name: file, size, creation_time }) => (
          <li key={file}>
            <span />
            <span>
              {file} <span class="quiet">{`${bytes(size)}, ${creation_time ?? ''}`}</span>
            </span>
            <span class="row">
              <button type="button" class="plain" hidden={!mayTake} onClick={() => void save(file)}>
                Download
              </button>
              <button
                type="button"
                class="danger"
                hidden={!mayTake}
                onClick={() => setSource({ name: file, size, read: () => archive(file) })}
              >
                Restore …
              </button>
              <button type="button" class="danger" hidden={!mayMake} onClick={() => setDeleted(file)}>
                Delete …
              </button>
            </span>
          </li>
        ))}
      </ul>
      <FromFile hidden={!mayTake} onSource={setSource} />
      {deleted !== null && (
        <Confirm
          title="Delete the snapshot"
          text="The collection stays. It cannot be restored from this snapshot any more."
          name={deleted}
          action="Delete it"
          run={async () => {
            await ask('DELETE', `${path}/snapshots/${deleted}`)
          }}
          onDone={() => {
            setDeleted(null)
            listed.again()
          }}
        />
      )}
      {source && <Restore path={path} name={name} source={source} onDone={() => setSource(null)} />}
    </>
  )
}

function FromFile({ hidden, onSource }: { hidden: boolean; onSource: (source: Source) => void }) {
  const choose = ({ currentTarget }: { currentTarget: HTMLInputElement }) => {
    const file = currentTarget.files?.[0]
    if (file) onSource({ name: file.name, size: file.size, read: async () => file })
    // The same file can be chosen again, as after a failure.
    currentTarget.value = ''
  }
  return (
    <label hidden={hidden}>
      Restore from a file
      <input type="file" onChange={choose} />
    </label>
  )
}

interface RestoreParts extends Parts {
  source: Source
  onDone: () => void
}

/** The archive is sent to the service, which knows no name of a place that it could read it from itself. */
function Restore({ path, name, source, onDone }: RestoreParts) {
  return (
    <Confirm
      title="Restore the collection"
      text={`All points of ${name} are replaced by those of ${source.name} (${bytes(source.size)}).`}
      name={name}
      action="Replace them"
      run={async () => {
        const form = new FormData()
        form.append('snapshot', await source.read(), source.name)
        await ask('POST', `${path}/snapshots/upload?priority=snapshot`, form)
      }}
      onDone={onDone}
    />
  )
}
