// Writes tasks/cards/vocabulary/*.json from the Hub's own packages: `make vocabulary`. Nothing runs this at run time.
//
// To refresh: raise the versions in package.json, run, read the diff. A file keeps its date while its content is the same.
// Licenses are in no package; they are read from hub-docs' page, a path or an address in LICENSES, else kept as they are.
import { readFile, writeFile } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { LIBRARY_TASK_MAPPING, LOCAL_APPS, MODEL_LIBRARIES_UI_ELEMENTS, PIPELINE_DATA } from "@huggingface/tasks";
import { LANGUAGES_ISO_639_1, LANGUAGES_ISO_639_3 } from "@huggingface/languages";
import { iso6392 } from "iso-639-2";

const TARGET = new URL("../../tasks/cards/vocabulary/", import.meta.url);
const LICENSES = process.env.LICENSES;
const VERSIONS = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8")).dependencies;
const TASKS = `npm @huggingface/tasks ${VERSIONS["@huggingface/tasks"]} (MIT)`;
const MODEL = {
  id: "ada/tide", tags: [], pipeline_tag: "text-generation", config: {}, siblings: [], gguf: {}, inference: "",
  transformersInfo: { auto_model: "AutoModel", pipeline_tag: "text-generation", processor: "AutoTokenizer" },
};

// 'path:"a.json" OR (path_filename:"b" AND path_extension:"json")': any of the objects, all fields of one. A file that is
// named in another way stops the refresh.
function queryOf(words) {
  return words.split(/\s+OR\s+/).map((each) => Object.fromEntries(each.split(/\s+AND\s+/).map((term) => {
    const found = /^\(?(path|path_extension|path_filename|path_prefix|_exists_):"([^"]+)"\)?$/.exec(term.trim());
    if (!found) throw new Error(`a query that is not understood: ${words}`);
    return [found[1], found[1] === "path_extension" ? found[2].replace(/^\./, "") : found[2]];
  })));
}

// Top-level modules that the library's snippets import.
function modulesOf(snippets) {
  if (!snippets) return [];
  const lines = snippets(MODEL).join("\n").split("\n");
  const names = lines.map((line) => /^\s*(?:from|import)\s+([A-Za-z_]\w*)/.exec(line)?.[1]);
  return [...new Set(names.filter((name) => name && !["os", "sys", "json", "io"].includes(name)))].sort();
}

// The words with which an app's commands begin: `llama serve`, `vllm serve`, `python3 -m sglang.launch_server`.
function commandsOf(snippet) {
  if (!snippet) return [];
  const blocks = [snippet(MODEL, "Q4_K_M.gguf")].flat().flatMap((each) => each.content ?? each).flat();
  const lines = blocks.join("\n").replace(/\\\n\s*/g, "").split("\n").filter((line) => line.includes(MODEL.id));
  const words = lines.map((line) => /^(?:[\w./]*\/)?((?:python3? -m )?[a-z][\w.-]*(?: [a-z][\w.-]*(?=\s))*)/.exec(line)?.[1]);
  return [...new Set(words.filter((each) => each && !/^(?:curl|npx|docker run|[\w-]+ config)\b/.test(each)))].sort();
}

function librariesNow() {
  const entries = Object.entries(MODEL_LIBRARIES_UI_ELEMENTS).map(([key, library]) => [key, {
    name: library.prettyLabel,
    repo_url: library.repoUrl,
    docs_url: library.docsUrl ?? null,
    tasks: [...(LIBRARY_TASK_MAPPING[key] ?? [])].sort(),
    counts: library.countDownloads ? queryOf(library.countDownloads) : null,
    modules: modulesOf(library.snippets),
  }]);
  return { libraries: Object.fromEntries(entries.sort()) };
}

function pipelineTagsNow() {
  const entries = Object.entries(PIPELINE_DATA).map(([key, tag]) => [key, {
    name: tag.name,
    modality: tag.modality,
    subtasks: Object.fromEntries((tag.subtasks ?? []).map((each) => [each.type, each.name])),
  }]);
  return { pipeline_tags: Object.fromEntries(entries) };
}

function appsNow() {
  const entries = Object.entries(LOCAL_APPS).map(([key, app]) => [key, {
    name: app.prettyLabel,
    docs_url: app.docsUrl,
    commands: commandsOf(app.snippet),
  }]);
  return { apps: Object.fromEntries(entries.sort()) };
}

function languagesNow() {
  const bibliographic = iso6392.flatMap((each) => [each.iso6392B, each.iso6392T]);
  return {
    iso_639_1: Object.keys(LANGUAGES_ISO_639_1).sort(),
    iso_639_2: [...new Set(bibliographic.filter((code) => /^[a-z]{3}$/.test(code ?? "")))].sort(),
    iso_639_3: Object.keys(LANGUAGES_ISO_639_3).sort(),
  };
}

async function licensesNow() {
  if (!LICENSES) return null;
  const page = LICENSES.startsWith("http") ? await (await fetch(LICENSES)).text() : await readFile(LICENSES, "utf8");
  const found = [...page.matchAll(/^\|[^|\n]+\|\s*`([^`\n]+)`\s*\|/gm)].map((row) => row[1]);
  if (found.length < 80) throw new Error(`only ${found.length} licenses in ${LICENSES}`);
  return { licenses: found };
}

// JSON with one entry a line, and lists of words filled up to the width.
function written(value, indent = "") {
  if (Array.isArray(value) && value.every((each) => typeof each === "string")) {
    return `[${filled(value.map((each) => JSON.stringify(each)), indent)}]`;
  }
  if (value === null || typeof value !== "object" || (indent.length > 1 && JSON.stringify(value).length < 100)) {
    return JSON.stringify(value);
  }
  const inner = `${indent} `;
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  const parts = Object.entries(value).map(([key, each]) =>
    `${inner}${Array.isArray(value) ? "" : `${JSON.stringify(key)}: `}${written(each, inner)}`);
  return parts.length ? `${open}\n${parts.join(",\n")}\n${indent}${close}` : open + close;
}

function filled(words, indent) {
  const lines = [[]];
  for (const word of words) {
    if (lines.at(-1).join(", ").length + word.length > 110) lines.push([]);
    lines.at(-1).push(word);
  }
  if (lines.length === 1) return lines[0].join(", ");
  return `\n${lines.map((line) => `${indent} ${line.join(", ")}`).join(",\n")}\n${indent}`;
}

async function refresh(name, source, content) {
  const file = new URL(`${name}.json`, TARGET);
  const before = await readFile(file, "utf8").then(JSON.parse, () => null);
  const { date, ...rest } = before ?? {};
  if (!content || JSON.stringify(rest) === JSON.stringify({ source, ...content })) return console.log(`${name}: as it was`);
  const today = new Date().toISOString().slice(0, 10);
  await writeFile(file, `${written({ source, date: today, ...content })}\n`);
  return console.log(`${name}: written`);
}

await refresh("libraries", TASKS, librariesNow());
await refresh("pipeline_tags", TASKS, pipelineTagsNow());
await refresh("apps", TASKS, appsNow());
await refresh("languages", `npm @huggingface/languages ${VERSIONS["@huggingface/languages"]} (MIT) and iso-639-2 ${VERSIONS["iso-639-2"]} (MIT)`, languagesNow());
await refresh("licenses", "github.com/huggingface/hub-docs, docs/hub/repositories-licenses.md (Apache-2.0)", await licensesNow());
