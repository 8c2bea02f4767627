"""Classifying the galaxies of a survey that nobody has labelled, shard by shard."""

from galaxy_morphology.survey.catalogue import read_shards
from galaxy_morphology.survey.classification import Recipe, SurveyClassifier
from galaxy_morphology.survey.cutouts import SurveyCutouts
from galaxy_morphology.survey.run import make_catalogue, one_after_another
from galaxy_morphology.survey.shards import Plan, plan_survey
from galaxy_morphology.survey.summary import summarise
from galaxy_morphology.survey.unlike import TrainingFeatures, training_features

__all__ = [
    "Plan",
    "Recipe",
    "SurveyClassifier",
    "SurveyCutouts",
    "TrainingFeatures",
    "make_catalogue",
    "one_after_another",
    "plan_survey",
    "read_shards",
    "summarise",
    "training_features",
]
