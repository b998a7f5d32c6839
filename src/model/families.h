// SPDX-License-Identifier: MIT
// One function a family, each in a file of its own: the plan of a checkpoint from config and names, as
// transformers saves it, with or without the prefix of a task model.
#pragma once

#include "checkpoint/checkpoint.h"
#include "model/architecture.h"

namespace linformer {

ModelPlan plan_bert(const Checkpoint& checkpoint);        ///< Devlin et al. 2018
ModelPlan plan_roberta(const Checkpoint& checkpoint);     ///< Liu et al. 2019; XLM-R and CamemBERT too
ModelPlan plan_distilbert(const Checkpoint& checkpoint);  ///< Sanh et al. 2019
ModelPlan plan_electra(const Checkpoint& checkpoint);     ///< Clark et al. 2020
ModelPlan plan_albert(const Checkpoint& checkpoint);      ///< Lan et al. 2019
ModelPlan plan_gpt2(const Checkpoint& checkpoint);        ///< Radford et al. 2019
ModelPlan plan_gpt_neox(const Checkpoint& checkpoint);    ///< Black et al. 2022; Pythia
ModelPlan plan_llama(const Checkpoint& checkpoint);       ///< Touvron et al. 2023; Mistral and Qwen2 too
ModelPlan plan_vit(const Checkpoint& checkpoint);         ///< Dosovitskiy et al. 2020
ModelPlan plan_deit(const Checkpoint& checkpoint);        ///< Touvron et al. 2020
ModelPlan plan_t5(const Checkpoint& checkpoint);          ///< Raffel et al. 2019; mT5 and umT5 too

ModelPlan plan_jargon(const Checkpoint& checkpoint);     ///< Segonne et al. 2024; a Linformer
ModelPlan plan_linformer(const Checkpoint& checkpoint);  ///< what write_linformer() writes

/// Linformers by their tensors, from the packages that train them.
bool is_linformer_fairseq(const Checkpoint& checkpoint);
bool is_linformer_lucidrains(const Checkpoint& checkpoint);
bool is_linformer_tatp22(const Checkpoint& checkpoint);
ModelPlan plan_linformer_fairseq(const Checkpoint& checkpoint);     ///< facebookresearch/fairseq
ModelPlan plan_linformer_lucidrains(const Checkpoint& checkpoint);  ///< package linformer
ModelPlan plan_linformer_tatp22(const Checkpoint& checkpoint);      ///< package linformer-pytorch

}  // namespace linformer
