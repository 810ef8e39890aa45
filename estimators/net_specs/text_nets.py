"""Specs of the nets over texts: token ids with a learned embedding, trained from nothing."""

from bakeoff.estimators.net_specs.nets import net_builder, net_spec
from bakeoff.estimators.search_spaces.space import Params, Trial
from bakeoff.tasks import Kind

PREPROCESSORS: dict[Kind, str] = {"text": "token-ids"}
TRAINING = {
    "dtype": "float32",
    "early_stopping": True,
    "max_epochs": 100,
    "n_iter_no_change": 3,
    "batch_size": 50,
    "optimizer": "adam",
    "vocabulary_size": "auto",
}


def _cnn_space(trial: Trial, task: str) -> Params:
    del task
    region = trial.suggest_int("region", 1, 8)
    maps = trial.suggest_int("feature_maps", 30, 600, log=True)
    return {
        "kernel_size": (region, region + 1, region + 2),
        "channels": (3 * maps,),
        "dropout": trial.suggest_float("dropout", 0, 0.9),
        "learning_rate": trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True),
    }


def _lstm_space(trial: Trial, task: str) -> Params:
    del task
    return {
        "hidden_size": trial.suggest_int("hidden_size", 25, 125, log=True),
        "num_layers": trial.suggest_int("num_layers", 1, 3),
        "dropout": trial.suggest_float("dropout", 0, 0.5),
        "learning_rate": trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True),
    }


def _transformer_space(trial: Trial, task: str) -> Params:
    del task
    return {
        "n_blocks": trial.suggest_int("n_blocks", 1, 4),
        "embedding_size": 4 * trial.suggest_int("size_of_head", 8, 64, log=True),
        "hidden_size": trial.suggest_int("hidden_size", 64, 512, log=True),
        "dropout": trial.suggest_float("dropout", 0, 0.5),
        "word_dropout": trial.suggest_float("word_dropout", 0, 0.5),
        "learning_rate": trial.suggest_float("learning_rate", 1e-4, 3e-3, log=True),
    }


def _averaged_space(trial: Trial, task: str) -> Params:
    del task
    return {
        "embedding_size": trial.suggest_int("embedding_size", 10, 100, log=True),
        "pair_rate_factor": trial.suggest_float("pair_rate_factor", 0.1, 1, log=True),
        "dropout": trial.suggest_float("dropout", 0, 0.7),
        "learning_rate": trial.suggest_float("learning_rate", 1e-3, 3e-2, log=True),
    }


TEXT_NET_SPECS = (
    net_spec(
        name="averaged_embeddings",
        summary="averaged vectors of words and pairs (fastText): the text net to try first, seconds on a CPU",
        kinds=("text",),
        build=net_builder("AveragedEmbeddings"),
        preprocessors=PREPROCESSORS,
        default={"embedding_size": 16, "pair_rate_factor": 0.3, "dropout": 0.5, "learning_rate": 3e-3},
        fixed={**TRAINING, "n_iter_no_change": 5, "batch_size": 64},
        space=_averaged_space,
        source=(
            "Joulin et al. 2017 (Bag of tricks for efficient text classification, EACL), sizes from its 10 up; dropout "
            "of words: Iyyer et al. 2015 (Deep unordered composition, ACL)"
        ),
    ),
    net_spec(
        name="text_transformer",
        summary="small transformer over the words of texts: where word order decides and thousands of texts are there",
        kinds=("text",),
        build=net_builder("TextTransformer"),
        preprocessors=PREPROCESSORS,
        default={
            "n_blocks": 2,
            "size_of_head": 16,
            "hidden_size": 128,
            "dropout": 0.3,
            "word_dropout": 0.1,
            "learning_rate": 1e-3,
        },
        fixed={**TRAINING, "n_iter_no_change": 5},
        space=_transformer_space,
        source=(
            "Vaswani et al. 2017 (Attention is all you need, NeurIPS), a sixth of its widths and blocks; dropout of "
            "words: Iyyer et al. 2015 (Deep unordered composition, ACL)"
        ),
    ),
    net_spec(
        name="text_cnn",
        summary="convolutional net over the words of texts",
        kinds=("text",),
        build=net_builder("CNN"),
        preprocessors=PREPROCESSORS,
        default={"region": 3, "feature_maps": 100, "dropout": 0.5, "learning_rate": 1e-3},
        fixed={
            **TRAINING,
            "embedding_size": 64,
            "pooling": None,
            "global_pooling": "max",
            "hidden_layer_sizes": (),
        },
        space=_cnn_space,
        source=(
            "Kim 2014 (Convolutional neural networks for sentence classification, EMNLP), its CNN-rand; ranges: "
            "Zhang and Wallace 2017 (A sensitivity analysis of CNNs for sentence classification, IJCNLP)"
        ),
    ),
    net_spec(
        name="text_lstm",
        summary="bidirectional LSTM over the words of texts, maximum over time",
        kinds=("text",),
        build=net_builder("LSTM"),
        preprocessors=PREPROCESSORS,
        default={"hidden_size": 100, "num_layers": 1, "dropout": 0.25, "learning_rate": 1e-3},
        fixed={**TRAINING, "embedding_size": 64, "bidirectional": True, "pooling": "max"},
        space=_lstm_space,
        source=(
            "Conneau et al. 2017 (Supervised learning of universal sentence representations, EMNLP), its BiLSTM-max; "
            "ranges: Reimers and Gurevych 2017 (Optimal hyperparameters for deep LSTM-networks, arXiv)"
        ),
    ),
)
