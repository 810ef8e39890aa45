"""Tiny checkpoints of pretrained models with random weights, written by the libraries that read them."""

from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

SEED = 0


def needs(library: str) -> None:
    """Skip a test where a library of pretrained models is not installed."""
    if find_spec(library) is None:
        pytest.skip(f"needs {library}")


def write_tabicl_weights(folder: Path) -> None:
    """Write checkpoints of TabICL for classes and for numbers, under the names of the published ones."""
    from tabicl._model.tabicl import TabICL

    from bakeoff.estimators.wrappers.tabicl import CLASSIFIER_FILE, REGRESSOR_FILE

    columns = {"embed_dim": 16, "col_num_blocks": 1, "col_nhead": 2, "col_num_inds": 4}
    rows = {"row_num_blocks": 1, "row_nhead": 2, "row_num_cls": 2, "icl_num_blocks": 1, "icl_nhead": 2, "ff_factor": 1}
    for name, head in ((CLASSIFIER_FILE, {"max_classes": 10}), (REGRESSOR_FILE, {"max_classes": 0})):
        torch.manual_seed(SEED)
        config = {**columns, **rows, **head, "num_quantiles": 9, "zero_init": False}
        torch.save({"config": config, "state_dict": TabICL(**config).state_dict()}, folder / name)


def write_tabpfn_weights(folder: Path) -> None:
    """Write a checkpoint of TabPFN for classes and numbers, under the name of the published one."""
    from tabpfn.architectures import tabpfn_v3_5
    from tabpfn.checkpoint import save_as_safetensors

    from bakeoff.estimators.wrappers.tabpfn import WEIGHTS_FILE

    config = tabpfn_v3_5.TabPFNV3p5Config(
        max_num_classes=10,
        num_buckets=20,
        embed_dim=16,
        dist_embed_num_blocks=1,
        dist_embed_num_heads=2,
        dist_embed_num_inducing_points=4,
        feat_agg_num_blocks=1,
        feat_agg_num_heads=2,
        feat_agg_num_cls_tokens=2,
        nlayers=1,
        icl_num_heads=2,
        decoder_head_dim=8,
        decoder_num_heads=2,
        fourier_encoding_num_frequencies=4,
        softmax_scaling_mlp_hidden_dim=8,
        cell_ecdf_num_buckets=64,
    )
    torch.manual_seed(SEED)
    net = tabpfn_v3_5.get_architecture(config)
    for parameter in net.parameters():
        if not parameter.any():  # a zero of the architecture would hide what the columns say
            torch.nn.init.normal_(parameter, std=0.3)
    checkpoint = {"state_dict": net.state_dict(), "config": asdict(config), "architecture_name": "tabpfn_v3_5"}
    save_as_safetensors(checkpoint, folder / WEIGHTS_FILE)


def write_tabular_weights(folder: Path) -> None:
    """Write the checkpoints of those tabular models that are installed."""
    for library, write in (("tabicl", write_tabicl_weights), ("tabpfn", write_tabpfn_weights)):
        if find_spec(library):
            write(folder)


def write_vision_net(folder: Path, *, transformer: bool = False) -> Path:
    """Write the folder of a small ResNet or vision transformer, as transformers saves it."""
    from transformers import ResNetConfig, ResNetModel, ViTConfig, ViTForImageClassification

    torch.manual_seed(SEED)
    if transformer:
        sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
        net = ViTForImageClassification(ViTConfig(**sizes, image_size=32, patch_size=8))
    else:
        net = ResNetModel(ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic"))
    net.save_pretrained(folder)
    return folder


def write_text_encoder(folder: Path) -> Path:
    """Write the folder of a sentence encoder over a BERT of two layers that reads letters."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    bert = folder / "bert"
    bert.mkdir(parents=True)
    (bert / "vocab.txt").write_text("\n".join(words))
    torch.manual_seed(SEED)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=len(words), max_position_embeddings=64, **sizes)).save_pretrained(bert)
    BertTokenizerFast(vocab=str(bert / "vocab.txt")).save_pretrained(bert)
    encoder = SentenceTransformer(modules=[Transformer(str(bert), max_seq_length=32), Pooling(16)], device="cpu")
    encoder.save(str(folder / "encoder"))
    return folder / "encoder"
