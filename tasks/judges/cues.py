"""Patterns by which the checklist knows what a text is about. All are searched in casefolded text.

They look for evidence that can hardly be there by accident (a metric beside a number, a hyperparameter beside
its value), in English and, where words are needed, in the other common languages of the Hub. Every quantifier
is bounded, so that no text makes them slow.
"""

from __future__ import annotations

import re

METRIC_WORDS = (
    r"accurac(?:y|ies)|acc|f1|f-?(?:score|measure)|bleu|sacrebleu|rouge(?:-?[12l](?:sum)?)?|wer|cer|ter|per|map|mrr(?:@\d+)?"
    r"|ndcg(?:@\d+)?|auc|auroc|perplexity|ppl|exact(?: |_)?match|em|precision|recall|pearson|spearman|matthews|mcc"
    r"|mae|mse|rmse|r2|chr-?f(?:\+\+)?|comet|meteor|bertscore|bert-score|fid|psnr|ssim|si-?sdri?|sdr|stoi|pesq|eer|der"
    r"|m?iou|las|uas|mean[ _]reward|rewards?|elo|pass@\d+|mmlu|gsm8k|hellaswag|arc(?:-c|-e)?|truthfulqa|humaneval"
    r"|win ?rate|top-?[15]|dice|bpc|bpb|kappa|error rate|correlation|sensitivity|specificity|hits@\d+|recall@\d+"
    r"|准确率|精确率|召回率|准确度|正确率|困惑度|精度|正解率|再現率|適合率|誤り率|정확도|정밀도|재현율|genauigkeit|fehlerrate|trefferquote"
    r"|précision|exactitude|rappel|perplexité|precisión|exactitud|perplejidad|acurácia|precisão|revocação"
    r"|точность|полнота|перплексия|accuratezza|akurasi|doğruluk"
)
_METRIC = rf"(?<![a-z])(?:{METRIC_WORDS})(?![a-z])"
METRIC = re.compile(_METRIC)
_NUMBER = r"(?<![\w.])\d{1,3}(?:[.,]\d+)?(?![\w])"
# A result: "accuracy of 0.93", "BLEU: 27.1", "94.2 % F1"; not "F1 2" of a citation year, which has four digits.
RESULT = re.compile(
    rf"{_METRIC}(?:[^\w\n.]|(?:of|is|was|to|score|at|around|about|von|de|di|为|是|達|达到?)\b){{0,8}}(?:[^\d\n.]{{0,25}}?){_NUMBER}"
    rf"|{_NUMBER}\s?%?\s?(?:\w+\s){{0,1}}{_METRIC}"
)
TRAINING_LOG = re.compile(r"\b(?:epochs?|steps?|iterations?|training loss|train loss|val(?:idation)? loss)\b")
IS_NUMBER = re.compile(r"\W*[-+]?\d{1,4}(?:[.,]\d+)?\s?(?:%|±.{0,12}|\(.{0,12}\)|pp|k|m|b)?\W*")

DATASETS = re.compile(
    r"(?<![a-z])(?:(?:super)?glue|squad|m?nli|mnli|qnli|sst-?2|cola|mrpc|qqp|sts-?b|conll|wikitext|wikiann|common[ _]?voice"
    r"|librispeech|libri\w{0,8}|imagenet|coco|cifar|mnist|mmlu|gsm8k|hellaswag|arc|truthfulqa|humaneval|mbpp|mt-?bench|tatoeba"
    r"|newstest\w{0,10}|wmt\s?\d*|flores|iwslt\w{0,5}|xnli|xtreme|ms ?marco|beir|natural questions|triviaqa|race|cnn|daily ?mail"
    r"|xsum|samsum|timit|voxpopuli|voxceleb\d?|mls|fleurs|ade20k|imdb|ag[ _]?news|amazon|yelp|emotion|ud|universal dependencies"
    r"|tydi|mlqa|mlsum|germeval|kl?ue|clue\w{0,10}|jglue|jnli|drcd|cmrc|nsmc|korquad|klue|lambada|winogrande|piqa|boolq|vctk|ljspeech"
    r"|kinetics|ucf101|voc|cityscapes|ontonotes|bc5cdr|ncbi|mteb|leaderboard|gigaword|pubmed\w{0,3}|wsj\w{0,6}|wsj0|aishell\d?"
    r"|dev-(?:clean|other)|test-(?:clean|other))(?![a-z])"
)
TEST_SET = re.compile(
    r"\b(?:test|dev|development|validation|held[- ]?out|evaluation|eval)[- ]?(?:set|split|data|dataset|corpus|partition|sets)\b"
    r"|\btested on|\bevaluated on|benchmark|测试集|验证集|評価データ|テストデータ|検証データ|테스트|검증|testdat|test ?set|données de test"
    r"|jeu de test|conjunto de (?:prueba|test|evaluaci|teste|valida)|тестов|валидац"
)
COMPARES = re.compile(
    r"\b(?:baselines?|outperform\w{0,4}|compared (?:to|with)|comparison|state[- ]of[- ]the[- ]art|sota|versus|vs\.?|better than"
    r"|worse than|surpass\w{0,3}|on par with|previous best)\b|优于|相比|超过|基线|比較|上回|ベースライン|비교|능가|verglichen|im vergleich"
    r"|übertrifft|comparé|surpasse|comparado|comparación|supera|comparação|сравнени|превосход|превыша"
)
EVAL_CODE = re.compile(
    r"load_metric|evaluate\.load|classification_report|accuracy_score|eval(?:uate)?\.py|evaluate\(|lm_eval|lm-eval|\.compute\("
    r"|sacrebleu|compute_metrics|run_eval|eval_\w{2,20}\.(?:py|sh)|model\.eval_\w+|mteb"
)

# Quick start
LOADS = re.compile(
    r"from_pretrained|pipeline\(|load_model|sentencetransformer\(|crossencoder\(|from_hparams|spacy\.load|load_from_hub"
    r"|hf_hub_download|snapshot_download|torch\.load|torch\.hub|hub_download|ollama (?:run|pull)|llama-(?:cli|server)|\./main -m"
    r"|vllm serve|llm\(model|curl |huggingface-cli|git clone|docker run|from_pretrained_keras|create_model\(|\.load\(|sequencetagger"
    r"|asrexample|text2speech|speech2text|\bmlx_lm|autotokenizer|automodel|import \w+|from [\w.]+ import|library\(|requests\.post"
    r"|pip install|python3? -m|python3? \w"
)
RUNS = re.compile(
    r"from_pretrained|pipeline\(|load_model|sentencetransformer\(|crossencoder\(|from_hparams|spacy\.load|load_from_hub"
    r"|hf_hub_download|snapshot_download|torch\.load|torch\.hub|ollama (?:run|pull)|llama-(?:cli|server)|\./main -m|vllm serve"
    r"|llm\(model|curl |create_model\(|\.load\(|text2speech|speech2text|mlx_lm|\.predict\(|\.encode\(|\.generate\(|\.translate\("
    r"|\.transcribe\w*\(|\.classify\w*\(|requests\.post|inference|model\s?=\s?\w+\(|load_\w+\(|python3? [\w./-]+\.py|run\.sh"
    r"|\.from_\w+\(|client\.|inferenceclient"
)
IMPORTS = re.compile(
    r"^\s*(?:>>> ?)?(?:import|from) +[\w.]+|\bcurl |ollama (?:run|pull)|llama-(?:cli|server)|\./main -m|vllm serve|library\("
    r"|require\(|huggingface-cli|git clone|docker run|python3? -m|mlx_lm|run\.sh|\.py\b",
    re.MULTILINE,
)
NAMES_MODEL = re.compile(
    r"[\"'`(=/ :][\w.-]{2,96}/[\w.-]{2,96}|from_pretrained\(\s*[\"'][\w./-]{3,}[\"']|model\s?=\s?[\"'][\w./-]{3,}[\"']"
    r"|load\(\s*[\"'][\w./-]{3,}[\"']|hf\.co/|model_?(?:name|id|path|checkpoint)\w{0,10}\s?=\s?f?[\"'][\w./-]{3,}[\"']"
    r"|(?:ollama run|ollama pull|--model|-m)\s+[\w./:-]{3,}"
)
BLANKS = re.compile(
    r"\{model_name\}|\bfill_?me_?in\b|your[-_ ](?:username|model|org|name|repo)\w{0,12}|<(?:your|model|path|insert)[^>\n]{0,40}>"
    r"|path[/_ ]to[/_ ](?:your|the|model)|username/(?:model|repo)|\btodo\b|xxx+/|org/model|user/model"
)
DEMO_LINK = re.compile(
    r"huggingface\.co/spaces/|hf\.space|colab\.research\.google|kaggle\.com/(?:code|notebooks)|replicate\.com|\.ipynb|mybinder\.org"
    r"|gradio|streamlit"
)
OUTPUT = re.compile(
    r"^\s*(?:#+|//|>>>?)\s*(?:\W{0,4}(?:output|outputs|prints|result|results|returns|=>|->|→|prediction|ans(?:wer)?|expected)\b|=>|->|→|\[|\{|['\"(]|\d)"
    r"|[\[{]\s*\{?\s*['\"](?:score|label|sequence|generated_text|summary_text|translation_text|entity\w*|answer|start|word|token_str|text)['\"]\s*:"
    r"|^\s*>>> .+\n\s*[\[{('\"\w]|(?:tensor|array|ndarray)\(\[|^\s*(?:output|outputs|result|prediction|response|answer|generated|model output)\s*[:=]",
    re.MULTILINE,
)
OUTPUT_WORDS = re.compile(
    r"\b(?:outputs?|prints?|results?|returns?|prediction|predicted|generated|response|answer|completion|reply|sample)\b|输出|结果|出力|結果|출력|결과"
    r"|ausgabe|ergebnis|sortie|résultat|salida|resultado|saída|вывод|результат"
)
INSTALLS = re.compile(
    r"(?:pip3?|conda|mamba|apt(?:-get)?|brew|npm|uv|poetry|mim) +(?:install|add|i )|requirements\.txt|environment\.yml|install\.packages|git clone"
    r"|docker pull|setup\.py"
)
REQUIRES = re.compile(
    r"\b(?:install(?:ed|ation)?|requires?|requirements?|dependenc(?:y|ies)|prerequisites?|version\s*(?:>=|==|\d)|make sure (?:that )?(?:your|you|the)"
    r"|sampled at|(?:gb|gib) (?:of )?(?:v?ram|gpu|memory)|>=\s?\d)\b|安装|インストール|必要|설치|installier|benötigt|installer|nécessite|instalar"
    r"|requiere|requer|установ|требу|16\s?khz"
)

# Training
TRAINED_ON = re.compile(
    r"(?:train|tun|distill)(?:ed|ing)\b[^.\n]{0,120}?\b(?:on|with|using|from|over)\b\s+(?:the\s+|a\s+|an\s+|our\s+)?[\w'\"`#@$]{2,}"
    r"|训练(?:数据|语料)|在.{1,40}(?:上|数据集).{0,10}(?:训练|微调)|(?:で|を用いて|を使って).{0,10}(?:学習|訓練|ファインチューニング)|(?:로|으로|을|를) .{0,12}(?:학습|훈련|파인튜닝)"
    r"|(?:trainiert|feinabgestimmt)|(?:entraîné|affiné)|(?:entrenado|afinado|ajustado)|(?:treinado|ajustado)|(?:обучен|дообучен)|addestrato|dilatih|eğitil"
)
SIZE = re.compile(
    r"(?<![\w.])\d[\d.,  ]{0,14}\s?(?:k|m|b|g|t|mio|mrd|thousand|million|billion|trillion|millionen|milliarden|millions|milliards|millones|milhões|миллион\w*|млн|тыс\w*|万|亿|億|만|억)?\+?"
    r"[ -]?(?:\w+[ -]){0,2}?(?:examples?|samples?|sentences?|documents?|docs|images?|hours?|hrs?|tokens?|words?|pairs?|records?|rows?|tweets?|articles?"
    r"|books?|texts?|utterances?|speakers?|reviews?|passages?|questions?|queries|conversations?|dialogues?|captions?|clips?|entries|instances?|posts?|lines?"
    r"|comments?|pages?|papers?|abstracts?|summaries|songs?|videos?|instructions?|patients?|gb|gib|tb|mb|beispiele?n?|sätze|stunden|bilder|dokumente|wörter"
    r"|exemples|phrases|heures|ejemplos|frases|oraciones|horas|palabras|exemplos|palavras|примеров|предложений|часов|слов|текстов"
    r"|条|句|小时|個|文|件|时间|時間|枚|문장|개|시간|건)(?![a-z])"
)
_VALUE = r"[^\w\n]{0,12}(?:(?:of|is|was|to|von|de|=)\s?)?[^\w\n]{0,4}\d"
HYPERPARAMETERS = tuple(
    re.compile(rf"(?:{name})(?:[^\d\n]{{0,24}}?){_VALUE}|(?<![\w.])\d[\d.,e-]{{0,8}}\s?(?:{name})")
    for name in (
        r"learning[ _-]?rate|\blr\b|lernrate|学习率|学習率|학습률|taux d'apprentissage|tasa de aprendizaje|скорость обучения",
        r"batch[ _-]?size|batch_size|batches? of|批大小|批次|バッチサイズ|배치|batchgröße|taille de lot|размер батча",
        r"\bepochs?\b|num_(?:train_)?epochs|epochen|轮|エポック|에폭|époques?|épocas?|эпох",
        r"\bsteps\b|max_steps|iterations|updates|schritte|步|ステップ|스텝|pasos|passos|шаг",
        r"warm-?up",
        r"weight[ _-]?decay",
        r"(?:max(?:imum)?[ _]?)?(?:seq(?:uence)?|token|context)[ _-]?len(?:gth)?",
        r"dropout",
        r"\b(?:adamw?|adafactor|lamb|sgd|lion)\b[^.\n]{0,40}?",
        r"lora_?(?:r|alpha|rank)|\brank\b",
    )
)
COMPUTE = re.compile(
    r"\b(?:v100|a100|h100|h200|p100|t4|a10g?|l4|l40s?|a6000|k80|rtx ?\w{0,10}|titan|tpus?|tpu ?v\d\w{0,6}|gtx ?\d+|mi\d{3}x?|gpus?)\b"
    r"|(?:pytorch|transformers|tensorflow|tokenizers|datasets|trl|peft|keras|jax|flax)[ _]?(?:version)?[:= ]{1,3}v?\d+\.\d+"
    r"|trained for (?:about |around |approximately )?[\d.]+ (?:hours|days|weeks)|显卡|显存|그래픽"
)

# Purpose
ARCHITECTURE = re.compile(
    r"(?<![a-z])(?:\w{0,12}bert\w{0,12}|gpt[\w-]{0,6}|m?t5[\w-]{0,8}|llama[\w.-]{0,8}|mistral|mixtral|qwen[\w.-]{0,6}|gemma[\w.-]{0,6}|phi-?\d|falcon|bloom\w{0,2}|opt-\d"
    r"|wav2vec ?2?|wav2vec2[\w-]{0,12}|hubert|whisper|xlm[\w-]{0,10}|electra|m?bart[\w-]{0,8}|pegasus|longformer|reformer|bigbird|xlnet|marian\w{0,3}|transformer[\w-]{0,6}"
    r"|resnet[\w-]{0,5}|vit|deit|swin|beit|convnext|efficientnet\w{0,3}|yolo\w{0,5}|clip|unet|u-net|stable diffusion|sdxl|flux|lstm|bilstm|cnn|gan|ppo|dqn|a2c|sac"
    r"|tacotron\w{0,2}|fastspeech\w{0,2}|vits|conformer|conv-?tasnet|ecapa\w{0,8}|pythia|gpt-?neo\w{0,2}|gpt-?j|deepseek\w{0,6}|yi-\d+b|mamba|rwkv|word2vec|fasttext"
    r"|glove|naqanet|bidaf|crf|gru|svm|xgboost|random forest|minilm[\w-]{0,8}|mpnet|flair|codegen|starcoder\w{0,2}|encoder-decoder)(?![a-z])"
    r"|fine-?tun\w{2,4} (?:version )?(?:of|from|on)|based on|distilled|pre-?trained|finetuned|基于|ベース|기반|basiert|basé|basado|baseado|на основе|基盤"
)
INTENDED = re.compile(
    r"\b(?:intended (?:for|to|use)|(?:can|may|could|should|to) be used (?:for|to|as|in|with|directly|by)|designed (?:for|to)|suitable for|useful for|meant (?:for|to)"
    r"|you can use (?:it|this|the)|use (?:it|this model|the model) (?:for|to)|aims? to|allows? (?:you|users)|ideal for|specialized (?:for|in)|primarily aimed)\b"
    r"|可用于|用于|適用|适用于|に使|に利用|するための|사용할 수|위한|geeignet|kann (?:für|zur|zum)|eignet sich|peut être utilisé|destiné|conçu pour|puede (?:ser )?us|diseñado para"
    r"|sirve para|pode ser us|destinado a|предназначен|можно использовать|può essere usato|dapat digunakan"
)
OUT_OF_SCOPE = re.compile(
    r"\b(?:not (?:be used|intended|suitable|meant|designed|recommended|appropriate|advised) |(?:should|must|do) not (?:be )?(?:use|used|rel(?:y|ied)|deploy\w*) |out[- ]of[- ]scope"
    r"|not a substitute|prohibited|unsuitable|research purposes only|for research only|(?:only|solely) for (?:research|educational|academic))"
    r"|不得用于|不适用于|请勿|禁止|使用しないで|適していま|対象外|사용하지|nicht (?:geeignet|gedacht|für|verwend)|ne (?:doit|convient) pas|no (?:debe|está diseñad|es adecuad)|não (?:deve|é adequad|se destina)"
    r"|не (?:предназначен|следует|подходит)"
)

# Limits and risks
LIMITS = re.compile(
    r"\blimitations?\b|\blimited (?:to|by|in|number|amount|data|vocabulary|domain)|\b(?:does|do|did|will|would) not (?:work|support|generali[sz]e|handle|perform|cover|understand|recogni[sz]e|guarantee|always)"
    r"|n't (?:work|support|generali[sz]e|handle|perform|always|be perfect)|\b(?:may|might|can|could) (?:not|fail|hallucinate|struggle|make mistakes|be (?:inaccurate|wrong|incorrect|noisy|less)|produce (?:in|wrong|un|bi|off|harm))"
    r"|\bstruggles? (?:with|on|to)|\bfails? (?:to|on|when|in|at)\b|\bonly (?:works?|supports?|trained|tested|covers|recogni)|\bcannot\b|\bcaveats?\b|\bpoor(?:ly)? (?:on|perform|result|quality|generali)"
    r"|\bperforms? (?:poorly|worse|badly)|\bnot (?:perfect|accurate|reliable|very good|optimal|robust)|\bdrop in performance|\bno guarantee|\bbe careful\b|\bunderperform"
    r"|局限|有限|不足之处|不支持|可能(?:会|不)|仅支持|限界|苦手|できません|対応していま|可能性があります|한계|못합니다|어렵|않을 수|eingeschränkt|nur für|schwächen|kann nicht|funktioniert nicht|limité|ne fonctionne pas"
    r"|moins bien|limitad|no funciona|limitaç|não funciona|ограничен|не поддерж|хуже|может ошиб"
)
RISKS = re.compile(
    r"\b(?:bias(?:es|ed)?|stereotyp\w{0,6}|offensive|harmful|toxic\w{0,3}|hate ?speech|discriminat\w{2,6}|unfair|fairness|ethic\w{0,5}|privacy|misuse|malicious|disinformation|misinformation"
    r"|sensitive (?:content|information|data)|inappropriate|unsafe|prejudic\w{0,5}|racis[mt]|sexis[mt]|profan\w{0,4}|explicit content|risks?)\b"
    r"|偏见|有害|伦理|歧视|风险|偏り|バイアス|差別|有害|倫理|リスク|편향|유해|차별|윤리|verzerr|vorurteil|schädlich|diskriminier|biais|offensant|nuisible|sesgo|ofensiv|dañin|viés|vieses|preconceit|предвзят|вредн|оскорбит|дискриминац"
)
MITIGATION = re.compile(
    r"\b(?:should|recommend\w{0,7}|advis\w{1,4}|careful(?:ly)?|caution|make sure|ensure|avoid|consider|verify|check|filter\w{0,4}|human (?:review|oversight|in the loop)|fine-?tun\w{1,4} (?:it|on|for)|post-?process\w{0,4}|mitigat\w{2,4}|need to|must)\b"
    r"|建议|应当|应该|注意|谨慎|推奨|注意|べき|してください|권장|주의|해야|sollte|empf[ei]|vorsicht|überprüf|devrai|recommand|prudence|vérifi|debe|recomend|precauci|verific|recomend|cuidado|следует|рекоменд|осторож|проверя"
)

# Metadata
KNOWN_LICENSES = frozenset(
    [
        "apache-2.0",
        "mit",
        "openrail",
        "bigscience-openrail-m",
        "creativeml-openrail-m",
        "bigscience-bloom-rail-1.0",
        "bigcode-openrail-m",
        "afl-3.0",
        "artistic-2.0",
        "bsl-1.0",
        "bsd",
        "bsd-2-clause",
        "bsd-3-clause",
        "bsd-3-clause-clear",
        "c-uda",
        "cc",
        "cc0-1.0",
        "cc-by-2.0",
        "cc-by-2.5",
        "cc-by-3.0",
        "cc-by-4.0",
        "cc-by-sa-3.0",
        "cc-by-sa-4.0",
        "cc-by-nc-2.0",
        "cc-by-nc-3.0",
        "cc-by-nc-4.0",
        "cc-by-nd-4.0",
        "cc-by-nc-nd-3.0",
        "cc-by-nc-nd-4.0",
        "cc-by-nc-sa-2.0",
        "cc-by-nc-sa-3.0",
        "cc-by-nc-sa-4.0",
        "cdla-sharing-1.0",
        "cdla-permissive-1.0",
        "cdla-permissive-2.0",
        "wtfpl",
        "ecl-2.0",
        "epl-1.0",
        "epl-2.0",
        "etalab-2.0",
        "eupl-1.1",
        "eupl-1.2",
        "agpl-3.0",
        "gfdl",
        "gpl",
        "gpl-2.0",
        "gpl-3.0",
        "lgpl",
        "lgpl-2.1",
        "lgpl-3.0",
        "isc",
        "h-research",
        "intel-research",
        "lppl-1.3c",
        "ms-pl",
        "apple-ascl",
        "apple-amlr",
        "mpl-2.0",
        "odc-by",
        "odbl",
        "openmdw-1.0",
        "openrail++",
        "osl-3.0",
        "postgresql",
        "ofl-1.1",
        "ncsa",
        "unlicense",
        "zlib",
        "pddl",
        "lgpl-lr",
        "deepfloyd-if-license",
        "fair-noncommercial-research-license",
        "llama2",
        "llama3",
        "llama3.1",
        "llama3.2",
        "llama3.3",
        "llama4",
        "grok2-community",
        "gemma",
        "unknown",
        "other",
    ]
)
LICENSE_IN_TEXT = {
    "mit": re.compile(r"\bmit\b"),
    "apache": re.compile(r"\bapache\b"),
    "gpl": re.compile(r"\b[al]?gpl"),
    "cc": re.compile(r"\bcc[- ](?:by|0)|creative commons"),
    "bsd": re.compile(r"\bbsd\b"),
}
LANGUAGE_CODE = re.compile(r"[a-z]{2,3}(?:[-_][a-z0-9]{2,8}){0,2}")
TASKS = frozenset(
    [
        "text-classification",
        "token-classification",
        "table-question-answering",
        "question-answering",
        "zero-shot-classification",
        "translation",
        "summarization",
        "feature-extraction",
        "text-generation",
        "text2text-generation",
        "fill-mask",
        "sentence-similarity",
        "text-to-speech",
        "text-to-audio",
        "automatic-speech-recognition",
        "audio-to-audio",
        "audio-classification",
        "voice-activity-detection",
        "depth-estimation",
        "image-classification",
        "object-detection",
        "image-segmentation",
        "text-to-image",
        "image-to-text",
        "image-to-image",
        "image-to-video",
        "unconditional-image-generation",
        "video-classification",
        "reinforcement-learning",
        "robotics",
        "tabular-classification",
        "tabular-regression",
        "tabular-to-text",
        "table-to-text",
        "multiple-choice",
        "text-ranking",
        "text-retrieval",
        "time-series-forecasting",
        "text-to-video",
        "image-text-to-text",
        "visual-question-answering",
        "document-question-answering",
        "zero-shot-image-classification",
        "graph-ml",
        "mask-generation",
        "zero-shot-object-detection",
        "text-to-3d",
        "image-to-3d",
        "image-feature-extraction",
        "video-text-to-text",
        "keypoint-detection",
        "visual-document-retrieval",
        "any-to-any",
        "other",
        "conversational",
        "named-entity-recognition",
        "ner",
        "speech-recognition",
        "asr",
        "text-to-speech",
        "tts",
        "speaker-verification",
        "speech-enhancement",
        "lm-head",
        "causal-lm",
        "masked-lm",
        "seq2seq",
        "language-modeling",
        "image-captioning",
        "sentiment-analysis",
    ]
)
WORDLESS_TASKS = frozenset(
    [
        "image-classification",
        "object-detection",
        "image-segmentation",
        "image-to-image",
        "depth-estimation",
        "unconditional-image-generation",
        "video-classification",
        "reinforcement-learning",
        "robotics",
        "tabular-classification",
        "tabular-regression",
        "audio-to-audio",
        "voice-activity-detection",
        "time-series-forecasting",
        "graph-ml",
        "mask-generation",
        "image-to-3d",
        "image-feature-extraction",
        "keypoint-detection",
        "image-to-video",
        "deep-reinforcement-learning",
        "audio-classification",
        "speaker-verification",
        "speech-enhancement",
    ]
)
LIBRARIES = frozenset(
    [
        "transformers",
        "pytorch",
        "tensorflow",
        "tf",
        "jax",
        "flax",
        "keras",
        "sentence-transformers",
        "spacy",
        "flair",
        "stanza",
        "espnet",
        "speechbrain",
        "nemo",
        "asteroid",
        "allennlp",
        "fastai",
        "timm",
        "diffusers",
        "peft",
        "adapter-transformers",
        "stable-baselines3",
        "sample-factory",
        "ml-agents",
        "sklearn",
        "scikit-learn",
        "skops",
        "onnx",
        "gguf",
        "llama.cpp",
        "mlx",
        "vllm",
        "setfit",
        "bertopic",
        "span-marker",
        "paddlenlp",
        "paddleocr",
        "ultralytics",
        "open_clip",
        "tensorflowtts",
        "pyannote",
        "pyannote-audio",
        "fasttext",
        "safetensors",
        "optimum",
        "openvino",
        "coreml",
        "transformers.js",
        "tensorboard",
        "k2",
        "wenet",
        "bert",
        "gpt2",
        "t5",
        "wav2vec2",
    ]
)

REFERENCE_LINK = re.compile(
    r"arxiv\.org|aclanthology|aclweb\.org|doi\.org|openreview\.net|github\.com|gitlab|bitbucket|zenodo|papers\.nips|proceedings|semanticscholar"
    r"|wandb\.ai|blog|mailto:|huggingface\.co/papers|ieee|springer|acm\.org|nature\.com|biorxiv|medrxiv|linkedin|twitter\.com|discord|@[\w-]+\.\w"
)
BIBTEX = re.compile(
    r"@(?:inproceedings|article|misc|techreport|book|phdthesis|software|online|proceedings|unpublished|conference)\s*\{",
    re.IGNORECASE,
)
